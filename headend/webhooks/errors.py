"""Refusals of the services about webhooks, each with a stable code."""

from headend.config.errors import Refusal


class InvalidWebhook(Refusal):
    """Name, address or kinds of events can't be as asked."""

    code = "webhook_invalid"


class WebhookEnded(Refusal):
    """The webhook has ended; nothing is sent by it any more."""

    code = "webhook_ended"
