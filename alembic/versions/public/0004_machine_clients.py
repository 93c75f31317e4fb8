"""Machine clients: who they are, by what they prove it, and what they may do."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE public.machine_clients (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    cell VARCHAR(12) NOT NULL,
    grid_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    scopes VARCHAR(40)[] NOT NULL,
    allowed_addresses VARCHAR(43)[] NOT NULL,
    proof VARCHAR(40) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    disabled_reason VARCHAR(100),
    CONSTRAINT pk_machine_clients PRIMARY KEY (id),
    CONSTRAINT fk_machine_clients_cell FOREIGN KEY(cell) REFERENCES public.cells (code),
    CONSTRAINT ck_machine_clients_proof CHECK (proof IN ('secret', 'private_key_jwt'))
)
""",
    """\
CREATE INDEX ix_machine_clients_cell ON public.machine_clients (cell, id)
""",
    """\
CREATE INDEX ix_machine_clients_changed_xid ON public.machine_clients (changed_xid)
""",
    """\
CREATE TABLE public.client_credentials (
    id UUID NOT NULL,
    client_id UUID NOT NULL,
    digest BYTEA,
    jwks JSONB,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    made_by UUID NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_client_credentials PRIMARY KEY (id),
    CONSTRAINT fk_client_credentials_client_id FOREIGN KEY(client_id) REFERENCES public.machine_clients (id)
)
""",
    """\
CREATE INDEX ix_client_credentials_client_id ON public.client_credentials (client_id)
""",
    """\
CREATE TABLE public.used_assertions (
    client_id UUID NOT NULL,
    jti VARCHAR(128) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_used_assertions PRIMARY KEY (client_id, jti),
    CONSTRAINT fk_used_assertions_client_id FOREIGN KEY(client_id) REFERENCES public.machine_clients (id)
)
""",
    """\
CREATE INDEX ix_used_assertions_expires_at ON public.used_assertions (expires_at)
""",
)

DOWN = (
    "DROP TABLE public.used_assertions",
    "DROP TABLE public.client_credentials",
    "DROP TABLE public.machine_clients",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
