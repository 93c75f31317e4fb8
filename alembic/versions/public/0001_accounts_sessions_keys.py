"""Accounts, sessions, keys and the list of cells."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE public.cells (
    code VARCHAR(12) NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cells PRIMARY KEY (code)
)
""",
    """\
CREATE TABLE public.accounts (
    id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    phone_lookup BYTEA,
    password_hash TEXT NOT NULL,
    must_change_password BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_name UNIQUE (name),
    CONSTRAINT uq_accounts_phone_lookup UNIQUE (phone_lookup)
)
""",
    """\
CREATE TABLE public.memberships (
    account_id UUID NOT NULL,
    cell VARCHAR(12) NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (account_id, cell),
    CONSTRAINT fk_memberships_account_id FOREIGN KEY(account_id) REFERENCES public.accounts (id),
    CONSTRAINT fk_memberships_cell FOREIGN KEY(cell) REFERENCES public.cells (code)
)
""",
    """\
CREATE TABLE public.sessions (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    cell VARCHAR(12) NOT NULL,
    post_id UUID NOT NULL,
    device VARCHAR(200) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_reason VARCHAR(40),
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_account_id FOREIGN KEY(account_id) REFERENCES public.accounts (id)
)
""",
    """\
CREATE INDEX ix_sessions_account_id ON public.sessions (account_id)
""",
    """\
CREATE TABLE public.refresh_tokens (
    digest BYTEA NOT NULL,
    session_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_refresh_tokens PRIMARY KEY (digest),
    CONSTRAINT fk_refresh_tokens_session_id FOREIGN KEY(session_id) REFERENCES public.sessions (id) ON DELETE CASCADE
)
""",
    """\
CREATE INDEX ix_refresh_tokens_session_id ON public.refresh_tokens (session_id)
""",
    """\
CREATE TABLE public.sign_in_attempts (
    subject BYTEA NOT NULL,
    failures INTEGER NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    blocked_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (subject)
)
""",
    """\
CREATE INDEX ix_sign_in_attempts_last_at ON public.sign_in_attempts (last_at)
""",
    """\
CREATE TABLE public.signing_keys (
    kid VARCHAR(40) NOT NULL,
    public_jwk JSONB NOT NULL,
    private_sealed BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    signs_from TIMESTAMP WITH TIME ZONE NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_signing_keys PRIMARY KEY (kid)
)
""",
)

DOWN = (
    "DROP TABLE public.signing_keys",
    "DROP TABLE public.sign_in_attempts",
    "DROP TABLE public.refresh_tokens",
    "DROP TABLE public.sessions",
    "DROP TABLE public.memberships",
    "DROP TABLE public.accounts",
    "DROP TABLE public.cells",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
