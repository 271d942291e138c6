"""
The pages. Templates render them, the scripts in `static/dashboard/js/` keep them current; nothing here writes anything.

    urls, views    the pages: board, coin, card to embed, badge
    context        what the views pass to the templates
    presentation   one coin as a page shows it: texts, marks of age and doubt
    candles        the ranges of a coin's chart, and its newest candles
    numbers        how numbers are written, as in `numbers.js`
    sparkline      a line of the last prices, as in `marks.js`
    lines, period  what is drawn and compared of a coin: 24 hours, or since when there are prices
    not_found      our page for what does not exist, with `DEBUG` too
    texts          the texts of the scripts
"""
