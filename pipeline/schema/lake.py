"""A lake that lies in a remote store: the file that `lake.path` names instead of a folder."""

from pydantic import Field, field_validator

from pipeline.schema.section import Section

SECRETS = ("key", "secret", "token", "password", "sas_token", "account_key", "connection_string")
"""Options that would put a credential into a file under version control."""


class RemoteLake(Section):
    """Where the files are, and as of when they are listed."""

    url: str = Field(pattern=r"^[a-z][a-z0-9+.-]*://")
    """Of the folder, as fsspec takes it: s3://bucket/documents, gs://, abfs://, sftp://, memory://, ..."""
    options: dict[str, str | int | bool | dict[str, str | int | bool]]
    """For fsspec's file system, such as `endpoint_url` or `anon`; {} for none. Credentials come from the
    environment."""
    listed: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """ISO date of the listing, in quotes. The store is listed when this file changes: a new date takes in
    what came since, the old one stays with the files as they were."""

    @field_validator("options")
    @classmethod
    def _no_secrets(cls, options: dict[str, object]) -> dict[str, object]:
        found = sorted(set(options) & set(SECRETS))
        if found:
            raise ValueError(f"{', '.join(found)}: credentials belong in the environment, not in this file")
        return options
