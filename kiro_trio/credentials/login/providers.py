"""Who lets people in to Kiro, as data. Pure. Source: docs/wire.md, "Sign-in"."""

from dataclasses import dataclass
from enum import Enum

from kiro_trio.credentials.credential import AccountKind, AuthMethod

BUILDER_ID_START_URL = "https://view.awsapps.com/start"
HOME_REGION = "us-east-1"
"""Where Builder IDs and social accounts live."""

ORGANISATION_REGIONS = (
    "us-east-1",
    "eu-west-1",
    "eu-central-1",
    "us-east-2",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-southeast-1",
    "ap-northeast-1",
    "us-west-2",
)
"""Where an organisation's sign-in may live, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is Kiro's word for the provider, which goes into the entry; `title` is for people."""

    name: str
    title: str
    auth_method: AuthMethod
    kind: AccountKind


class Provider(Enum):
    """A way to sign in."""

    BUILDER_ID = Row("BuilderId", "AWS Builder ID", AuthMethod.IDC, AccountKind.BUILDER_ID)
    ORGANISATION = Row("Enterprise", "IAM Identity Center", AuthMethod.IDC, AccountKind.ORGANISATION)
    GOOGLE = Row("Google", "Google", AuthMethod.SOCIAL, AccountKind.SOCIAL)
    GITHUB = Row("Github", "GitHub", AuthMethod.SOCIAL, AccountKind.SOCIAL)

    @property
    def social(self) -> bool:
        """Whether Kiro's own service signs in, and so only in a browser."""
        return self.value.auth_method is AuthMethod.SOCIAL

    def regions(self, region: str = "") -> tuple[str, ...]:
        """Where to try: in `region` if it is known."""
        if region:
            return (region,)
        return ORGANISATION_REGIONS if self is Provider.ORGANISATION else (HOME_REGION,)
