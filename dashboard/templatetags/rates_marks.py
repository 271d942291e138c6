"""Template filters for what takes more than a variable."""

from django.template import Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.numbers import PriceText

register = Library()


@register.filter
def price_mark(price: PriceText) -> SafeString | str:
    """Write *price*; repeated zeros become a subscript, and screen readers get the whole number."""
    if price.zeros is None:
        return price.lead
    return format_html(
        '<span aria-hidden="true">{}<sub>{}</sub>{}</span><span class="sr">{}</span>',
        price.lead,
        price.zeros,
        price.digits,
        price.full,
    )
