"""The first schema.

Revision: 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(device_id) <= 40", name=op.f("ck_dead_letter_device_id_length")),
        sa.CheckConstraint("length(origin) <= 200", name=op.f("ck_dead_letter_origin_length")),
        sa.CheckConstraint("length(payload) <= 4096", name=op.f("ck_dead_letter_payload_length")),
        sa.CheckConstraint("length(reason) <= 64", name=op.f("ck_dead_letter_reason_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dead_letter_received_at"), ["received_at"], unique=False)

    op.create_table(
        "first_answer",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("location", sa.String(length=200), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(key) <= 64", name=op.f("ck_first_answer_key_length")),
        sa.CheckConstraint("length(location) <= 200", name=op.f("ck_first_answer_location_length")),
        sa.CheckConstraint("length(scope) <= 64", name=op.f("ck_first_answer_scope_length")),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_first_answer")),
    )
    op.create_table(
        "heard_probe",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("probe_id", sa.String(length=128), nullable=False),
        sa.Column("first_heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(probe_id) <= 128", name=op.f("ck_heard_probe_probe_id_length")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_heard_probe")),
        sa.UniqueConstraint("probe_id", name=op.f("uq_heard_probe_probe_id")),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(actor) <= 64", name=op.f("ck_journal_actor_length")),
        sa.CheckConstraint("length(kind) <= 64", name=op.f("ck_journal_kind_length")),
        sa.CheckConstraint("length(ref) <= 64", name=op.f("ck_journal_ref_length")),
        sa.CheckConstraint("length(site) <= 32", name=op.f("ck_journal_site_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_journal_station_length")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "pin_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pin_attempt")),
    )
    with op.batch_alter_table("pin_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pin_attempt_number_index_id"), ["number_index", "id"], unique=False)

    op.create_table(
        "place",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "fridge",
                "freezer",
                "cold_box",
                "bench_box",
                name="placekind_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=True),
        sa.Column("capacity_units", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(code) <= 32", name=op.f("ck_place_code_length")),
        sa.CheckConstraint("length(name) <= 80", name=op.f("ck_place_name_length")),
        sa.CheckConstraint("length(profile) <= 40", name=op.f("ck_place_profile_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_place_station_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("code", name=op.f("uq_place_code")),
        sa.UniqueConstraint("station", name=op.f("uq_place_station")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("manufacturer", sa.String(length=80), nullable=False),
        sa.Column("vaccine_code", sa.String(length=40), nullable=False),
        sa.Column(
            "platform",
            sa.Enum(
                "inactivated",
                "live",
                "vector",
                "subunit",
                "mrna",
                name="platform_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "route",
            sa.Enum(
                "intramuscular",
                "subcutaneous",
                "intradermal",
                "oral",
                "inhaled",
                name="route_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("volume_ul", sa.Integer(), nullable=False),
        sa.Column("doses_per_unit", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_product_code_length")),
        sa.CheckConstraint("length(manufacturer) <= 80", name=op.f("ck_product_manufacturer_length")),
        sa.CheckConstraint("length(vaccine_code) <= 40", name=op.f("ck_product_vaccine_code_length")),
        sa.CheckConstraint("length(name) <= 80", name=op.f("ck_product_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(number) <= 12", name=op.f("ck_staff_number_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("number", name=op.f("uq_staff_number")),
    )
    op.create_table(
        "station",
        sa.Column(
            "kind",
            sa.Enum(
                "registration",
                "screening",
                "consent",
                "injection",
                "observation",
                "exit",
                "cold_chain",
                "office",
                "wall",
                name="stationkind_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.CheckConstraint("length(code) <= 32", name=op.f("ck_station_code_length")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_station")),
    )
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "how",
            sa.Enum("card", "scan", "typed", name="how_code", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "typed_reason",
            sa.Enum(
                "no_card",
                "card_unreadable",
                "reader_broken",
                "foreign_document",
                name="typedreason_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "document_kind",
            sa.Enum(
                "resident_id",
                "residence_permit_hk",
                "residence_permit_mo",
                "residence_permit_tw",
                "foreign_permanent_resident_2023",
                "foreign_permanent_resident_2017",
                "travel_permit_hk_macau",
                "travel_permit_taiwan",
                "passport",
                "birth_certificate",
                name="documentkind_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("station", sa.String(length=32), nullable=True),
        sa.Column("findings", sa.String(length=200), nullable=False),
        sa.Column("admission_version", sa.String(length=32), nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(how = 'typed') = (typed_reason IS NOT NULL)", name=op.f("ck_check_in_typed_with_reason")),
        sa.CheckConstraint("length(admission_version) <= 32", name=op.f("ck_check_in_admission_version_length")),
        sa.CheckConstraint("length(findings) <= 200", name=op.f("ck_check_in_findings_length")),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_check_in_station_length")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_check_in_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
    )
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_in_person_id"), ["person_id"], unique=False)

    op.create_table(
        "demographics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("latin_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "sex",
            sa.Enum("male", "female", "unknown", name="sex_code", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("born_on", sa.Date(), nullable=False),
        sa.Column("nationality", sa.String(length=3), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "card", "typed", "import", name="source_code", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(nationality) <= 3", name=op.f("ck_demographics_nationality_length")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_demographics_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demographics")),
    )
    with op.batch_alter_table("demographics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_demographics_name_index_born_on"), ["name_index", "born_on"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_demographics_person_id_journal_seq"), ["person_id", "journal_seq"], unique=False
        )

    op.create_table(
        "identifier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "resident_id",
                "residence_permit_hk",
                "residence_permit_mo",
                "residence_permit_tw",
                "foreign_permanent_resident_2023",
                "foreign_permanent_resident_2017",
                "travel_permit_hk_macau",
                "travel_permit_taiwan",
                "passport",
                "birth_certificate",
                name="documentkind_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("issuing_country", sa.String(length=3), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column(
            "read_by",
            sa.Enum(
                "card", "typed", "import", name="source_code", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(issuing_country) <= 3", name=op.f("ck_identifier_issuing_country_length")),
        sa.CheckConstraint("length(number_index) = 16", name=op.f("ck_identifier_number_index_length")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_identifier_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identifier")),
        sa.UniqueConstraint(
            "kind", "issuing_country", "number_index", name=op.f("uq_identifier_kind_issuing_country_number_index")
        ),
    )
    with op.batch_alter_table("identifier", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identifier_person_id_journal_seq"), ["person_id", "journal_seq"], unique=False
        )

    op.create_table(
        "latest_reading",
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("is_judged", sa.Boolean(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("milli_celsius", sa.Integer(), nullable=True),
        sa.Column(
            "fault",
            sa.Enum(
                "sensor_error",
                "power_on_value",
                "disconnected",
                "not_a_number",
                "out_of_gate",
                "clock_wrong",
                name="fault_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("is_last_known", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["probe"], ["heard_probe.number"], name=op.f("fk_latest_reading_probe")),
        sa.PrimaryKeyConstraint("probe", "is_judged", name=op.f("pk_latest_reading")),
    )
    op.create_table(
        "lot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.CheckConstraint("length(number) <= 40", name=op.f("ck_lot_number_length")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_lot_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("product_id", "number", name=op.f("uq_lot_product_id_number")),
    )
    op.create_table(
        "person_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("other_person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "same_name_and_birth_date", name="linkreason_code", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("person_id <> other_person_id", name=op.f("ck_person_link_two_people")),
        sa.ForeignKeyConstraint(["other_person_id"], ["person.id"], name=op.f("fk_person_link_other_person_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_link_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_link")),
        sa.UniqueConstraint("person_id", "other_person_id", name=op.f("uq_person_link_person_id_other_person_id")),
    )
    with op.batch_alter_table("person_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_link_other_person_id"), ["other_person_id"], unique=False)

    op.create_table(
        "probe",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("probe_id", sa.String(length=128), nullable=False),
        sa.Column("place_code", sa.String(length=32), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(place_code) <= 32", name=op.f("ck_probe_place_code_length")),
        sa.CheckConstraint("length(probe_id) <= 128", name=op.f("ck_probe_probe_id_length")),
        sa.ForeignKeyConstraint(["place_code"], ["place.code"], name=op.f("fk_probe_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe")),
    )
    with op.batch_alter_table("probe", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_probe_probe_id_journal_seq"), ["probe_id", "journal_seq"], unique=False)

    op.create_table(
        "qualification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "physician",
                "vaccinator",
                "registrar",
                "emergency",
                name="qualificationkind_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("certificate_number", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(certificate_number) <= 40", name=op.f("ck_qualification_certificate_number_length")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_qualification_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
    )
    with op.batch_alter_table("qualification", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_qualification_staff_id_journal_seq"), ["staff_id", "journal_seq"], unique=False
        )

    op.create_table(
        "reading",
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("boot", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("measured_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("received_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("uptime_s", sa.BigInteger(), nullable=True),
        sa.Column("milli_celsius", sa.Integer(), nullable=True),
        sa.Column(
            "fault",
            sa.Enum(
                "sensor_error",
                "power_on_value",
                "disconnected",
                "not_a_number",
                "out_of_gate",
                "clock_wrong",
                name="fault_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["probe"], ["heard_probe.number"], name=op.f("fk_reading_probe")),
        sa.PrimaryKeyConstraint("probe", "boot", "seq", name=op.f("pk_reading")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reading_probe_at_unix_ms"), ["probe", "at_unix_ms"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner",
                "site_lead",
                "registrar",
                "physician",
                "vaccinator",
                "observer",
                "cold_chain_keeper",
                "order_keeper",
                "volunteer",
                "auditor",
                name="role_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_role_grant_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_role_grant_staff_id_journal_seq"), ["staff_id", "journal_seq"], unique=False
        )

    op.create_table(
        "staff_ended",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_ended_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_ended")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_staff_ended_staff_id")),
    )
    op.create_table(
        "staff_pin",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("pin_hash", sa.String(length=160), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(pin_hash) <= 160", name=op.f("ck_staff_pin_pin_hash_length")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_pin_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_pin")),
    )
    with op.batch_alter_table("staff_pin", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_staff_pin_staff_id_journal_seq"), ["staff_id", "journal_seq"], unique=False
        )

    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_staff_session_station_length")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id")),
        sa.ForeignKeyConstraint(["station"], ["station.code"], name=op.f("fk_staff_session_station")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_staff_session_token_digest")),
    )
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_session_signed_in_at"), ["signed_in_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_staff_session_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("ticket_number", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("business_on", "ticket_number", name=op.f("uq_visit_business_on_ticket_number")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("product_code", sa.String(length=40), nullable=False),
        sa.Column("text_vaccine", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("text_language", sa.String(length=8), nullable=False),
        sa.Column("informed_items", sa.String(length=120), nullable=False),
        sa.Column("informed_by", sa.Uuid(), nullable=True),
        sa.Column("asked_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("advice_note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(informed_items) <= 120", name=op.f("ck_consent_informed_items_length")),
        sa.CheckConstraint("length(product_code) <= 40", name=op.f("ck_consent_product_code_length")),
        sa.CheckConstraint("length(text_language) <= 8", name=op.f("ck_consent_text_language_length")),
        sa.CheckConstraint("length(text_vaccine) <= 40", name=op.f("ck_consent_text_vaccine_length")),
        sa.ForeignKeyConstraint(["informed_by"], ["staff.id"], name=op.f("fk_consent_informed_by")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_consent_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False)

    op.create_table(
        "departure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "completed", "early", name="departurekind_code", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "insisted",
                "emergency_elsewhere",
                "taken_to_hospital",
                name="earlyreason_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("minutes_short", sa.Integer(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_departure_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departure")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_departure_visit_id")),
    )
    op.create_table(
        "screening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("rule_set_code", sa.String(length=40), nullable=False),
        sa.Column("rule_set_version", sa.Integer(), nullable=False),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("findings_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(rule_set_code) <= 40", name=op.f("ck_screening_rule_set_code_length")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_screening_asked_by")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_screening_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening")),
    )
    with op.batch_alter_table("screening", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_screening_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False
        )

    op.create_table(
        "sent_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "unwell",
                "answers_doubted",
                "person_doubted",
                "no_usable_unit",
                name="sentbackreason_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_sent_back_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_back")),
    )
    with op.batch_alter_table("sent_back", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sent_back_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("trace_code", sa.String(length=50), nullable=False),
        sa.Column("doses_per_unit", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(trace_code) <= 50", name=op.f("ck_unit_trace_code_length")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_unit_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("id", "doses_per_unit", name=op.f("uq_unit_id_doses_per_unit")),
        sa.UniqueConstraint("trace_code", name=op.f("uq_unit_trace_code")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "visit_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_visit_call_station_length")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_call_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_call")),
    )
    with op.batch_alter_table("visit_call", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_call_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False
        )

    op.create_table(
        "visit_now",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("ticket_number", sa.Integer(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "waiting_for_screening",
                "waiting_for_decision",
                "waiting_for_consent",
                "consent_disputed",
                "waiting_for_injection",
                "observed",
                "completed",
                "left_early",
                "left_unseen",
                "transferred",
                "deferred",
                "unsuitable",
                "refused",
                "abandoned",
                name="stage_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_now_person_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_now_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_now")),
    )
    with op.batch_alter_table("visit_now", schema=None) as batch_op:
        batch_op.create_index("ix_visit_now_day", ["business_on", "stage"], unique=False)
        batch_op.create_index(
            "uq_visit_now_one_open_visit",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("is_open"),
            postgresql_where=sa.text("is_open"),
        )

    op.create_table(
        "visit_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("product_code", sa.String(length=40), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_against_advice", sa.Boolean(), nullable=False),
        sa.Column("observation_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(product_code) <= 40", name=op.f("ck_visit_order_product_code_length")),
        sa.ForeignKeyConstraint(["physician_id"], ["staff.id"], name=op.f("fk_visit_order_physician_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_order_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_order")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_visit_order_decision_id")),
    )
    with op.batch_alter_table("visit_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_order_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False
        )

    op.create_table(
        "visit_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "checked_in",
                "answered",
                "recommended",
                "deferred",
                "unsuitable",
                "consented",
                "consent_disputed",
                "dispute_settled",
                "consent_invalidated",
                "consent_withdrawn",
                "refused",
                "dose_given",
                "sent_back",
                "left",
                "left_early",
                "left_unseen",
                "transferred",
                "abandoned",
                name="outcome_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "waiting_for_screening",
                "waiting_for_decision",
                "waiting_for_consent",
                "consent_disputed",
                "waiting_for_injection",
                "observed",
                "completed",
                "left_early",
                "left_unseen",
                "transferred",
                "deferred",
                "unsuitable",
                "refused",
                "abandoned",
                name="stage_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_step_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_step")),
    )
    with op.batch_alter_table("visit_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_step_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False
        )

    op.create_table(
        "watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_watch_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
    )
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_watch_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False)

    op.create_table(
        "consent_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column(
            "signer",
            sa.Enum(
                "recipient",
                "guardian",
                "delegate",
                name="signer_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "relationship",
            sa.Enum(
                "self",
                "mother",
                "father",
                "other",
                name="relationship_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "method",
            sa.Enum(
                "drawn", "paper", name="signaturemethod_code", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("image_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("strokes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("paper_reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("document_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("delegation_sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(method = 'drawn') = (image_sealed IS NOT NULL AND strokes_sealed IS NOT NULL)",
            name=op.f("ck_consent_signature_drawn_image"),
        ),
        sa.CheckConstraint(
            "(method = 'paper') = (paper_reason_sealed IS NOT NULL)", name=op.f("ck_consent_signature_paper_reason")
        ),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_consent_signature_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_signature")),
    )
    with op.batch_alter_table("consent_signature", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_signature_consent_id"), ["consent_id"], unique=False)

    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("screening_id", sa.Uuid(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "recommended",
                "deferred",
                "unsuitable",
                name="decisionoutcome_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("product_code", sa.String(length=40), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("deferred_until", sa.Date(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'deferred') = (deferred_until IS NOT NULL)", name=op.f("ck_decision_deferred_until")
        ),
        sa.CheckConstraint(
            "(outcome = 'recommended') = (product_code IS NOT NULL)", name=op.f("ck_decision_recommended_product")
        ),
        sa.CheckConstraint("length(product_code) <= 40", name=op.f("ck_decision_product_code_length")),
        sa.ForeignKeyConstraint(["physician_id"], ["staff.id"], name=op.f("fk_decision_physician_id")),
        sa.ForeignKeyConstraint(["screening_id"], ["screening.id"], name=op.f("fk_decision_screening_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_decision_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("screening_id", name=op.f("uq_decision_screening_id")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False)

    op.create_table(
        "draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("doses_per_unit", sa.Integer(), nullable=False),
        sa.Column("draw_number", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_return_id", sa.Uuid(), nullable=True),
        sa.Column("gain_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "draw_number >= 1 AND (draw_number <= doses_per_unit OR gain_id IS NOT NULL)",
            name=op.f("ck_draw_within_unit"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id", "doses_per_unit"],
            ["unit.id", "unit.doses_per_unit"],
            name=op.f("fk_draw_unit_id_doses_per_unit"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draw")),
        sa.UniqueConstraint("after_return_id", name=op.f("uq_draw_after_return_id")),
        sa.UniqueConstraint("gain_id", name=op.f("uq_draw_gain_id")),
    )
    with op.batch_alter_table("draw", schema=None) as batch_op:
        batch_op.create_index(
            "uq_draw_unit_id_draw_number",
            ["unit_id", "draw_number"],
            unique=True,
            sqlite_where=sa.text("after_return_id IS NULL"),
            postgresql_where=sa.text("after_return_id IS NULL"),
        )

    op.create_table(
        "permit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("station", sa.String(length=32), nullable=False),
        sa.Column("vaccinator_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(station) <= 32", name=op.f("ck_permit_station_length")),
        sa.ForeignKeyConstraint(["order_id"], ["visit_order.id"], name=op.f("fk_permit_order_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_permit_unit_id")),
        sa.ForeignKeyConstraint(["vaccinator_id"], ["staff.id"], name=op.f("fk_permit_vaccinator_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_permit_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit")),
    )
    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_permit_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "refusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column(
            "refused_by",
            sa.Enum(
                "recipient",
                "guardian",
                "staff",
                name="refusedby_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_refusal_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refusal_visit_id_journal_seq"), ["visit_id", "journal_seq"], unique=False)

    op.create_table(
        "visit_order_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["visit_order.id"], name=op.f("fk_visit_order_consent_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_order_consent")),
        sa.UniqueConstraint("consent_id", name=op.f("uq_visit_order_consent_consent_id")),
    )
    with op.batch_alter_table("visit_order_consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_order_consent_order_id"), ["order_id"], unique=False)

    op.create_table(
        "dose",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("permit_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("product_code", sa.String(length=40), nullable=False),
        sa.Column("dose_number", sa.Integer(), nullable=True),
        sa.Column("schedule_code", sa.String(length=40), nullable=True),
        sa.Column("schedule_version", sa.Integer(), nullable=True),
        sa.Column("volume_ul", sa.Integer(), nullable=False),
        sa.Column(
            "route",
            sa.Enum(
                "intramuscular",
                "subcutaneous",
                "intradermal",
                "oral",
                "inhaled",
                name="route_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "body_site",
            sa.Enum(
                "left_upper_arm",
                "right_upper_arm",
                "left_thigh",
                "right_thigh",
                "mouth",
                name="bodysite_code",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("vaccinator_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(schedule_code) <= 40", name=op.f("ck_dose_schedule_code_length")),
        sa.CheckConstraint("length(product_code) <= 40", name=op.f("ck_dose_product_code_length")),
        sa.ForeignKeyConstraint(["draw_id"], ["draw.id"], name=op.f("fk_dose_draw_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_dose_lot_id")),
        sa.ForeignKeyConstraint(["order_id"], ["visit_order.id"], name=op.f("fk_dose_order_id")),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_dose_permit_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_dose_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_dose_unit_id")),
        sa.ForeignKeyConstraint(["vaccinator_id"], ["staff.id"], name=op.f("fk_dose_vaccinator_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_dose_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose")),
        sa.UniqueConstraint("draw_id", name=op.f("uq_dose_draw_id")),
        sa.UniqueConstraint("order_id", name=op.f("uq_dose_order_id")),
        sa.UniqueConstraint("permit_id", name=op.f("uq_dose_permit_id")),
    )
    with op.batch_alter_table("dose", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dose_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dose_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dose_visit_id"), ["visit_id"], unique=False)

    op.make_append_only("check_in")
    op.make_append_only("consent")
    op.make_append_only("consent_signature")
    op.make_append_only("dead_letter")
    op.make_append_only("decision")
    op.make_append_only("demographics")
    op.make_append_only("departure")
    op.make_append_only("dose")
    op.make_append_only("draw")
    op.make_append_only("first_answer")
    op.make_append_only("heard_probe")
    op.make_append_only("identifier")
    op.make_append_only("journal")
    op.make_append_only("lot")
    op.make_append_only("permit")
    op.make_append_only("person")
    op.make_append_only("person_link")
    op.make_append_only("pin_attempt")
    op.make_append_only("place")
    op.make_append_only("probe")
    op.make_append_only("product")
    op.make_append_only("qualification")
    op.make_append_only("reading")
    op.make_append_only("refusal")
    op.make_append_only("role_grant")
    op.make_append_only("screening")
    op.make_append_only("sent_back")
    op.make_append_only("staff")
    op.make_append_only("staff_ended")
    op.make_append_only("staff_pin")
    op.make_append_only("unit")
    op.make_append_only("visit")
    op.make_append_only("visit_call")
    op.make_append_only("visit_order")
    op.make_append_only("visit_order_consent")
    op.make_append_only("visit_step")
    op.make_append_only("watch")


def downgrade() -> None:
    with op.batch_alter_table("dose", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dose_visit_id"))
        batch_op.drop_index(batch_op.f("ix_dose_person_id"))
        batch_op.drop_index(batch_op.f("ix_dose_lot_id"))

    op.drop_table("dose")
    op.drop_table("visit_order_consent")
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refusal_visit_id_journal_seq"))

    op.drop_table("refusal")
    with op.batch_alter_table("permit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_permit_visit_id"))

    op.drop_table("permit")
    op.drop_table("draw")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_visit_id_journal_seq"))

    op.drop_table("decision")
    with op.batch_alter_table("consent_signature", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_signature_consent_id"))

    op.drop_table("consent_signature")
    with op.batch_alter_table("watch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_watch_visit_id_journal_seq"))

    op.drop_table("watch")
    with op.batch_alter_table("visit_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_step_visit_id_journal_seq"))

    op.drop_table("visit_step")
    with op.batch_alter_table("visit_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_order_visit_id_journal_seq"))

    op.drop_table("visit_order")
    with op.batch_alter_table("visit_now", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_visit_now_one_open_visit", sqlite_where=sa.text("is_open"), postgresql_where=sa.text("is_open")
        )
        batch_op.drop_index("ix_visit_now_day")

    op.drop_table("visit_now")
    with op.batch_alter_table("visit_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_call_visit_id_journal_seq"))

    op.drop_table("visit_call")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_lot_id"))

    op.drop_table("unit")
    with op.batch_alter_table("sent_back", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sent_back_visit_id"))

    op.drop_table("sent_back")
    with op.batch_alter_table("screening", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_screening_visit_id_journal_seq"))

    op.drop_table("screening")
    op.drop_table("departure")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_visit_id_journal_seq"))

    op.drop_table("consent")
    op.drop_table("visit")
    with op.batch_alter_table("staff_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_session_staff_id"))
        batch_op.drop_index(batch_op.f("ix_staff_session_signed_in_at"))

    op.drop_table("staff_session")
    with op.batch_alter_table("staff_pin", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_pin_staff_id_journal_seq"))

    op.drop_table("staff_pin")
    op.drop_table("staff_ended")
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_grant_staff_id_journal_seq"))

    op.drop_table("role_grant")
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reading_probe_at_unix_ms"))

    op.drop_table("reading")
    with op.batch_alter_table("qualification", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_qualification_staff_id_journal_seq"))

    op.drop_table("qualification")
    with op.batch_alter_table("probe", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_probe_probe_id_journal_seq"))

    op.drop_table("probe")
    with op.batch_alter_table("person_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_link_other_person_id"))

    op.drop_table("person_link")
    op.drop_table("lot")
    op.drop_table("latest_reading")
    with op.batch_alter_table("identifier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identifier_person_id_journal_seq"))

    op.drop_table("identifier")
    with op.batch_alter_table("demographics", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_demographics_person_id_journal_seq"))
        batch_op.drop_index(batch_op.f("ix_demographics_name_index_born_on"))

    op.drop_table("demographics")
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_in_person_id"))

    op.drop_table("check_in")
    op.drop_table("station")
    op.drop_table("staff")
    op.drop_table("product")
    op.drop_table("place")
    with op.batch_alter_table("pin_attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pin_attempt_number_index_id"))

    op.drop_table("pin_attempt")
    op.drop_table("person")
    op.drop_table("journal")
    op.drop_table("heard_probe")
    op.drop_table("first_answer")
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letter_received_at"))

    op.drop_table("dead_letter")
