"""Time in: brings what an older build stored into the present form."""

from datetime import timedelta

from matcher.catalogue.item_forms import ItemForms
from shared.runtime.jobs import Job

_INTERVAL = timedelta(hours=1)


def item_form_job(forms: ItemForms) -> Job:
    """Works until nothing is left; later rounds find that noted."""
    return Job("item-forms", forms.update_next, _INTERVAL)
