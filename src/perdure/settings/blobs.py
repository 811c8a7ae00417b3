"""The settings `blob_…`: the place where the contents of files are stored."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator

from perdure import urls


class BlobSettings(BaseModel):
    """The part of `Settings` that names a bucket."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    contents: Literal["auto", "database", "folder", "s3"] = "auto"
    """Where new contents of files go: `database` (PostgreSQL), `folder` in the data folder, or
    `s3`; `auto` is the bucket where blob_url is set, a folder with SQLite, else the database."""

    blob_url: str | None = None
    """`s3://bucket/prefix` of the bucket for the contents of files."""

    blob_endpoint: str | None = None
    """URL of the S3-compatible server; without it, Amazon's."""

    blob_region: str | None = None
    """Region of the bucket."""

    blob_access_key_id: SecretStr | None = None
    """Access key of the bucket; without it, what AWS's own variables and roles say."""

    blob_secret_access_key: SecretStr | None = None
    """Secret that belongs to the access key."""

    @field_validator("blob_url")
    @classmethod
    def _check_blob_url(cls, url: str | None) -> str | None:
        parts = urls.split(url or "s3://bucket")
        if parts.scheme != "s3" or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError("expected a URL such as s3://bucket or s3://bucket/prefix")
        return url

    @field_validator("blob_endpoint")
    @classmethod
    def _check_blob_endpoint(cls, url: str | None) -> str | None:
        parts = urls.split(url or "https://host")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("expected a URL such as http://localhost:9000")
        return url

    @model_validator(mode="after")
    def _check_blob_keys(self) -> Self:
        if self.contents == "s3" and not self.blob_url:
            raise ValueError("contents is s3 but blob_url is not set: name the bucket too")
        if bool(self.blob_access_key_id) != bool(self.blob_secret_access_key):
            raise ValueError(
                "blob_access_key_id and blob_secret_access_key belong together: set both or none"
            )
        return self
