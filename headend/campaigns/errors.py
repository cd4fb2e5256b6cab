"""Refusals about key campaigns."""

from headend.config.errors import Refusal


class InvalidCampaign(Refusal):
    """The campaign changes nothing, selects nothing, or its name is taken."""

    code = "campaign_invalid"


class CampaignNotFound(Refusal):
    """There is no campaign of that name."""

    code = "campaign_not_found"


class CampaignState(Refusal):
    """The campaign is not in a state in which that can be done."""

    code = "campaign_state"
