"""Mail by Airflow's own notifier, on a connection made from our settings. `pipelines.observe` says what is mailed."""

from __future__ import annotations

import html
import json
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.observe.alerts import Mail

CONNECTION = "loda_mail"
SECONDS = 20
CLOSING = ("conclude_", "lists_out")
"""Tasks that fail for what was told already: that others have failed, that lists are late."""

_alert = logging.getLogger("loda.alert")


def send(mail: Mail) -> None:
    """Hand a mail to the server of `LODA_MAIL_SERVER`. Never through a template: nothing in its text is carried out."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    from pipelines.core.settings import settings

    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = _connection()
    paragraphs = (html.escape(part).replace("\n", "<br>\n") for part in mail.text.strip().split("\n\n") if part)
    SmtpNotifier(
        to=list(mail.to),
        from_email=settings().mail_from,
        subject=mail.subject,
        html_content="\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs),
        smtp_conn_id=CONNECTION,
    ).notify({})


def _connection() -> str:
    """The server as Airflow reads a connection from the environment."""
    from pipelines.core.settings import settings

    own = settings()
    extra = {
        "disable_tls": own.mail_security != "starttls",
        "disable_ssl": own.mail_security != "tls",
        "timeout": SECONDS,
        "retry_limit": 1,
    }
    password = own.mail_password.get_secret_value() if own.mail_password else None
    given = {"host": own.mail_server, "port": own.mail_port, "login": own.mail_user or None, "password": password}
    return json.dumps({"conn_type": "smtp", **{k: v for k, v in given.items() if v is not None}, "extra": extra})


def mail_failure(context: Mapping[str, Any]) -> None:
    """Mail a task that has failed for good to the engineers, one mail a cause and night.

    A mail that cannot be sent is told in the log and fails nothing: the task has failed already.
    """
    from pipelines.core.errors import LodaError
    from pipelines.observe import alerts

    instance = context["ti"]
    stage = instance.task_id.rsplit(".", 1)[-1]
    if stage.startswith(CLOSING):
        return
    borough = (getattr(context.get("task"), "op_kwargs", None) or {}).get("borough") or alerts.LONDON
    where = f"DAG {instance.dag_id}, task {instance.task_id}; its log in Airflow has the rest."
    try:
        alerts.tell_engineers(stage, borough, _sentence(context.get("exception")), send, run=where)
    except LodaError as error:
        _alert.error("%s: nobody was mailed that %s failed. %s", instance.dag_id, stage, error)


def _sentence(error: object) -> str:
    """The text of a failure of ours; of any other only its type, since its text may quote a cell."""
    from airflow.sdk.exceptions import AirflowException

    from pipelines.core.errors import LodaError

    if isinstance(error, AirflowException | LodaError):
        return str(error)
    return f"It met {type(error).__name__}." if error is not None else "The log of the task says why."
