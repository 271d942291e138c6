"""
The pages. Templates render them, the scripts in `static/dashboard/js/` keep them current; nothing here writes anything.

    urls, views    the pages: board, coin, card to embed, badge
    context        what the views pass to the templates
    presentation   one coin as a page shows it: texts, marks of age and doubt
    candles        the ranges of a coin's chart, and its newest candles
    numbers        how numbers are written, as in `numbers.js`
    sparkline      a line of the last prices, as in `marks.js`
    texts          the texts of the scripts
"""
