//! The tables, and the steps that lead to them.
//!
//! One SQL for two engines: TEXT, BIGINT (moments in milliseconds since 1970, flags as 0/1) and bytes, whose type name
//! alone differs. A step is applied once, in its own transaction; a database newer than this program is refused.

mod operating;

use crate::StoreError;
use crate::sql::{self, Database, Engine};

/// The lock of the one process that changes the schema.
const MIGRATING: i64 = 7461;

/// Steps, in order; never edited once released.
pub(crate) const MIGRATIONS: &[&str] = &[
    FIRST_TABLES,
    VERDICT_CORRECTIONS,
    SOURCE_HEALTH,
    DECISIONS,
    LANES,
    RHYTHMS,
    CHATS,
    PAGES,
    PERSONAL_DATA,
    CLOSING_DATES,
    MESSAGE_PARTS,
    PARTIAL_INDEXES,
    UNUSED_INDEXES,
    INTERRUPTED_POLLS,
    AUDIENCE_CHANGES,
    STATEMENTS,
    ALERT_TEXTS,
    SECOND_READINGS,
    ACCESS_AND_VISIBILITY,
    AFTER_THE_AWARD,
    ATTACHMENTS,
    SIZES,
    LISTED_STATE,
    SOURCE_MEMORIES,
    QUARANTINE_BY_MOMENT,
    PAGE_SOURCES,
    CONSULTATIONS,
    IN_THEIR_HANDS,
    TOGETHER,
    OPERATIONS,
    SERVICE_AREAS,
    HOURS_TO_FILL,
    EVENTS,
    ADVICE_AND_TASTE,
    ABSENCE_FROM,
    operating::KEPT_OUT,
    operating::SLOW_STATEMENTS,
];

const FIRST_TABLES: &str = r"
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta (key, value) VALUES ('subscription_version', '1');

CREATE TABLE source (
  id TEXT PRIMARY KEY, memory TEXT NOT NULL DEFAULT '{}', baseline_done BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0, next_due BIGINT NOT NULL DEFAULT 0, last_success BIGINT, last_attempt BIGINT,
  last_error TEXT, items BIGINT NOT NULL DEFAULT 0, bad BIGINT NOT NULL DEFAULT 0, alarmed BIGINT NOT NULL DEFAULT 0,
  holder TEXT, lease_until BIGINT NOT NULL DEFAULT 0);
CREATE TABLE quarantine (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, record_id TEXT, place TEXT NOT NULL, reason TEXT NOT NULL,
  raw {bytes} NOT NULL, at BIGINT NOT NULL);

CREATE TABLE procedure (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, snapshot TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE procedure_key (key TEXT PRIMARY KEY, procedure_id TEXT NOT NULL);
CREATE TABLE notice (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, record_id TEXT NOT NULL, procedure_id TEXT NOT NULL, kind TEXT NOT NULL,
  title TEXT NOT NULL, buyer TEXT NOT NULL, score BIGINT NOT NULL, version BIGINT NOT NULL, content_hash TEXT NOT NULL,
  document TEXT NOT NULL, assessment TEXT NOT NULL, first_seen BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE INDEX notice_procedure ON notice (procedure_id);
CREATE INDEX notice_updated ON notice (updated);

CREATE TABLE subscriber (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, profile TEXT NOT NULL, declared BIGINT NOT NULL DEFAULT 0,
  created BIGINT NOT NULL);
CREATE TABLE address (
  id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, channel TEXT NOT NULL, value TEXT NOT NULL, state TEXT NOT NULL,
  note TEXT, created BIGINT NOT NULL);
CREATE UNIQUE INDEX address_value ON address (channel, value, subscriber_id);
CREATE INDEX address_subscriber ON address (subscriber_id);
CREATE TABLE subscription (
  id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, filter TEXT NOT NULL, cadence TEXT NOT NULL, created BIGINT NOT NULL);
CREATE INDEX subscription_subscriber ON subscription (subscriber_id);

CREATE TABLE alert (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, procedure_id TEXT NOT NULL, notice_id TEXT NOT NULL, changes TEXT NOT NULL,
  body TEXT, created BIGINT NOT NULL);
CREATE INDEX alert_procedure ON alert (procedure_id);
CREATE INDEX alert_notice ON alert (notice_id);
CREATE TABLE notification (
  id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, subscription_id TEXT, disposition TEXT NOT NULL,
  reasons TEXT NOT NULL, due BIGINT, delivery_id TEXT, created BIGINT NOT NULL);
CREATE UNIQUE INDEX notification_share ON notification (alert_id, subscriber_id);
CREATE INDEX notification_waiting ON notification (due, subscriber_id);
CREATE INDEX notification_subscriber ON notification (subscriber_id, created);

CREATE TABLE delivery (
  id TEXT PRIMARY KEY, seq BIGINT NOT NULL, subscriber_id TEXT NOT NULL, address_id TEXT NOT NULL, channel TEXT NOT NULL, cause TEXT NOT NULL,
  procedure_id TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0, holder TEXT, token TEXT, started BIGINT, expires_at BIGINT, created BIGINT NOT NULL,
  settled_at BIGINT, why TEXT);
CREATE UNIQUE INDEX delivery_key ON delivery (address_id, cause);
CREATE INDEX delivery_due ON delivery (state, next_at);
CREATE INDEX delivery_thread ON delivery (address_id, procedure_id, seq);
CREATE INDEX delivery_seq ON delivery (seq);
CREATE TABLE attempt (
  delivery_id TEXT NOT NULL, n BIGINT NOT NULL, started BIGINT NOT NULL, ended BIGINT, outcome TEXT, detail TEXT,
  PRIMARY KEY (delivery_id, n));

CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE journal (id TEXT PRIMARY KEY, at BIGINT NOT NULL, topic TEXT NOT NULL, reference TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX journal_reference ON journal (reference, at);
";

/// Verdicts corrected by people.
const VERDICT_CORRECTIONS: &str = r"
CREATE TABLE verdict_correction (
  id TEXT PRIMARY KEY, notice_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, provisions TEXT NOT NULL, note TEXT NOT NULL,
  created BIGINT NOT NULL);
CREATE INDEX verdict_correction_notice ON verdict_correction (notice_id, created);
";

/// Health of sources, likeness of procedures, and the directories.
const SOURCE_HEALTH: &str = r"
ALTER TABLE source ADD COLUMN trouble TEXT;
ALTER TABLE source ADD COLUMN quota_left BIGINT;
ALTER TABLE source ADD COLUMN quota_limit BIGINT;
CREATE TABLE source_day (
  source TEXT NOT NULL, day TEXT NOT NULL, items BIGINT NOT NULL DEFAULT 0, polls BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (source, day));
CREATE TABLE alarm (source TEXT NOT NULL, kind TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (source, kind));
INSERT INTO alarm (source, kind, since)
  SELECT id, 'unreachable', COALESCE(last_success, last_attempt, 0) FROM source WHERE alarmed = 1;
ALTER TABLE source DROP COLUMN alarmed;

CREATE TABLE likeness (
  notice_id TEXT PRIMARY KEY, procedure_id TEXT NOT NULL, bucket TEXT NOT NULL, portrait TEXT NOT NULL);
CREATE INDEX likeness_bucket ON likeness (bucket);
CREATE INDEX likeness_procedure ON likeness (procedure_id);
CREATE INDEX procedure_key_procedure ON procedure_key (procedure_id);

CREATE TABLE directory (
  kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, updated BIGINT NOT NULL, PRIMARY KEY (kind, key));
";

/// What structures decide.
const DECISIONS: &str = r"
CREATE TABLE decision (
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL, refusal TEXT,
  joint BIGINT, assignee TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', remind_at BIGINT, decided_by TEXT NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (structure, procedure_id, lot));
CREATE INDEX decision_procedure ON decision (procedure_id);
CREATE INDEX decision_stage ON decision (stage);
CREATE TABLE decision_step (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL, stage TEXT NOT NULL,
  decided_by TEXT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX decision_step_structure ON decision_step (structure, at);
";

/// Lanes and paces: see `lanes`.
const LANES: &str = r"
CREATE TABLE lane (
  address_id TEXT PRIMARY KEY, channel TEXT NOT NULL, ready_at BIGINT NOT NULL, free_at BIGINT NOT NULL DEFAULT 0,
  held BIGINT NOT NULL DEFAULT 0);
CREATE INDEX lane_ready ON lane (ready_at);
CREATE TABLE pace (key TEXT PRIMARY KEY, free_at BIGINT NOT NULL);
INSERT INTO lane (address_id, channel, ready_at)
  SELECT address_id, MIN(channel), MIN(next_at) FROM delivery WHERE state IN ('pending', 'deferred', 'ambiguous') GROUP BY address_id;
CREATE INDEX delivery_waiting ON delivery (address_id, next_at, seq) WHERE state IN ('pending', 'deferred', 'ambiguous');
CREATE INDEX delivery_claimed ON delivery (lease_until) WHERE state = 'claimed';
";

/// How messages come to each person.
const RHYTHMS: &str = r"
ALTER TABLE subscriber ADD COLUMN rhythm TEXT NOT NULL DEFAULT '{}';
";

/// Chats: invitations, conversations, which message carries which delivery; what is paused.
const CHATS: &str = r"
ALTER TABLE subscription ADD COLUMN paused_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN paused BIGINT NOT NULL DEFAULT 0;
CREATE TABLE invitation (
  mark TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', siret TEXT NOT NULL DEFAULT '',
  subscriber_id TEXT, created BIGINT NOT NULL, expires_at BIGINT NOT NULL, used BIGINT);
CREATE TABLE chat (
  channel TEXT NOT NULL, value TEXT NOT NULL, greeted BIGINT NOT NULL DEFAULT 0, window_from BIGINT NOT NULL DEFAULT 0,
  heard BIGINT NOT NULL DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, dialogue TEXT NOT NULL DEFAULT '',
  dialogue_until BIGINT NOT NULL DEFAULT 0, dialogue_version BIGINT NOT NULL DEFAULT 0, names TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (channel, value));
CREATE INDEX chat_seen ON chat (seen);
CREATE INDEX address_chat ON address (channel, value);
CREATE TABLE chat_message (
  channel TEXT NOT NULL, chat TEXT NOT NULL, message TEXT NOT NULL, delivery_id TEXT NOT NULL, subscriber_id TEXT NOT NULL,
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, state_message TEXT, shown TEXT NOT NULL DEFAULT '',
  revision BIGINT NOT NULL DEFAULT 0, shown_revision BIGINT NOT NULL DEFAULT 0, at BIGINT NOT NULL,
  PRIMARY KEY (channel, chat, message));
CREATE INDEX chat_message_decided ON chat_message (procedure_id, structure);
CREATE INDEX chat_message_stale ON chat_message (channel, at) WHERE revision > shown_revision;
CREATE INDEX chat_message_subscriber ON chat_message (subscriber_id);
";

/// Pages: sign-in, sessions, tokens of programs, and one row a procedure by which it is found.
const PAGES: &str = r"
CREATE TABLE sign_in (
  id TEXT PRIMARY KEY, address_id TEXT NOT NULL, next TEXT NOT NULL, asked BIGINT NOT NULL, expires BIGINT NOT NULL, used BIGINT);
CREATE INDEX sign_in_address ON sign_in (address_id, asked);
CREATE TABLE session (
  mark TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, created BIGINT NOT NULL, used BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE INDEX session_subscriber ON session (subscriber_id);
CREATE TABLE access_token (
  id TEXT PRIMARY KEY, mark TEXT NOT NULL, subscriber_id TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
  created BIGINT NOT NULL, used BIGINT, expires BIGINT);
CREATE UNIQUE INDEX access_token_mark ON access_token (mark);
CREATE INDEX access_token_subscriber ON access_token (subscriber_id);
CREATE TABLE search (
  procedure_id TEXT PRIMARY KEY, title TEXT NOT NULL, buyer TEXT NOT NULL, buyer_type TEXT NOT NULL, verdict TEXT NOT NULL,
  sectors TEXT NOT NULL, departments TEXT NOT NULL, provisions TEXT NOT NULL, status TEXT NOT NULL, words TEXT NOT NULL,
  score BIGINT NOT NULL, closes BIGINT, until BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX search_at ON search (at, procedure_id);
CREATE INDEX search_until ON search (until);
CREATE INDEX delivery_state_seq ON delivery (state, seq);
";

/// Personal data and mail: consent, bounces, who saw what.
const PERSONAL_DATA: &str = r"
CREATE TABLE consent (
  address_id TEXT PRIMARY KEY, asked BIGINT, asks BIGINT NOT NULL DEFAULT 0, confirmed BIGINT, how TEXT NOT NULL DEFAULT '');
CREATE TABLE suppressed (mark TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE access (id TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, whom TEXT NOT NULL, what TEXT NOT NULL);
CREATE INDEX access_whom ON access (whom, at);
CREATE TABLE idle (subscriber_id TEXT PRIMARY KEY, since BIGINT NOT NULL);
CREATE TABLE bounce (
  address_id TEXT PRIMARY KEY, soft BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL);
CREATE TABLE inbox (mailbox TEXT PRIMARY KEY, validity BIGINT NOT NULL, uid BIGINT NOT NULL);
CREATE TABLE inbox_mail (id TEXT PRIMARY KEY, at BIGINT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE lead (notice_id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX lead_subscriber ON lead (subscriber_id);
CREATE INDEX delivery_subscriber ON delivery (subscriber_id, seq);
CREATE INDEX delivery_settled ON delivery (settled_at);
CREATE INDEX notification_created ON notification (created);
CREATE INDEX journal_at ON journal (at);
";

/// When procedures close, what is done once in a while, channels whose server is away.
const CLOSING_DATES: &str = r"
ALTER TABLE procedure ADD COLUMN closes BIGINT;
CREATE INDEX procedure_closes ON procedure (closes);
CREATE INDEX notice_first_seen ON notice (first_seen, id);
CREATE TABLE chore (name TEXT PRIMARY KEY, done BIGINT NOT NULL);
CREATE TABLE outage (channel TEXT PRIMARY KEY, since BIGINT NOT NULL, why TEXT NOT NULL);
";

/// Messages of chats: which carry what, and how far a service was listened to.
const MESSAGE_PARTS: &str = r"
CREATE TABLE message_part (
  delivery_id TEXT NOT NULL, part BIGINT NOT NULL, chat TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (delivery_id, part));
CREATE INDEX message_part_message ON message_part (chat, message);
CREATE TABLE listener (name TEXT PRIMARY KEY, next_number BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE heard (listener TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (listener, number));
";

/// Indexes that only what waits is in: each one that a message passes through costs at every message.
const PARTIAL_INDEXES: &str = r"
DROP INDEX delivery_due;
DROP INDEX notification_waiting;
CREATE INDEX notification_due ON notification (due, subscriber_id) WHERE delivery_id IS NULL AND due IS NOT NULL;
CREATE INDEX notification_of_digest ON notification (subscriber_id, disposition, due) WHERE delivery_id IS NULL AND due IS NOT NULL;
";

/// Indexes that no statement reads, and every notice paid for.
const UNUSED_INDEXES: &str = r"
DROP INDEX notice_updated;
DROP INDEX alert_notice;
";

/// Polls that ended with their process: what they read may have ended it.
const INTERRUPTED_POLLS: &str = r"
ALTER TABLE source ADD COLUMN interrupted BIGINT NOT NULL DEFAULT 0;
";

/// People are numbered, and what changes of them is noted: see `audience`. The change number starts above every person's, since
/// a new person's number is one.
const AUDIENCE_CHANGES: &str = r"
ALTER TABLE subscriber ADD COLUMN number BIGINT;
UPDATE subscriber SET number = o.n
  FROM (SELECT id AS person, ROW_NUMBER() OVER (ORDER BY created, id) AS n FROM subscriber) AS o WHERE o.person = subscriber.id;
CREATE UNIQUE INDEX subscriber_number ON subscriber (number);
UPDATE meta SET value = CAST(CAST(value AS BIGINT) + (SELECT COUNT(*) FROM subscriber) AS TEXT) WHERE key = 'subscription_version';
INSERT INTO meta (key, value) SELECT 'forgotten_changes', value FROM meta WHERE key = 'subscription_version';
CREATE TABLE audience_change (n BIGINT NOT NULL, person BIGINT NOT NULL, PRIMARY KEY (n, person));
";

/// What each notice says of itself, beside its document: the notices of a procedure are put in order by it. Rows of before have
/// none.
const STATEMENTS: &str = r"
ALTER TABLE notice ADD COLUMN statement TEXT;
";

/// Retention looks for old texts of alerts: few alerts have one.
const ALERT_TEXTS: &str = r"
CREATE INDEX alert_text ON alert (created) WHERE body IS NOT NULL;
";

/// Notices in doubt that the second reader was asked about.
const SECOND_READINGS: &str = r"
CREATE TABLE second_reading (
  notice_id TEXT NOT NULL, content_hash TEXT NOT NULL, at BIGINT NOT NULL, statements BIGINT NOT NULL, outcome TEXT NOT NULL,
  PRIMARY KEY (notice_id, content_hash));
";

/// By which address a session was opened ('' = unknown: any of its owner's); whether a procedure is shown to those told alone;
/// the topic of a chat in which somebody is written to (0 = none); what was said in chats and is not acted on yet.
const ACCESS_AND_VISIBILITY: &str = r"
ALTER TABLE session ADD COLUMN address_id TEXT NOT NULL DEFAULT '';
ALTER TABLE search ADD COLUMN restricted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE address ADD COLUMN topic BIGINT NOT NULL DEFAULT 0;
CREATE TABLE incoming (
  listener TEXT NOT NULL, number BIGINT NOT NULL, chat TEXT NOT NULL, raw {bytes} NOT NULL, tries BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (listener, number));
CREATE INDEX incoming_chat ON incoming (listener, chat, number);
";

/// What follows an award: the buyer by whom procedures are found (NULL = not looked at since), contracts with who holds them, services
/// offered to holders, contracts that end, buyers and companies followed.
const AFTER_THE_AWARD: &str = r"
ALTER TABLE search ADD COLUMN siren TEXT;
ALTER TABLE search ADD COLUMN buyer_key TEXT;
CREATE INDEX search_siren ON search (siren, at);
CREATE INDEX search_buyer_key ON search (buyer_key);
CREATE TABLE contract (
  procedure_id TEXT NOT NULL, lot TEXT NOT NULL, state TEXT NOT NULL, buyer_siren TEXT NOT NULL, holders TEXT NOT NULL, ends BIGINT,
  document TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, offered TEXT, PRIMARY KEY (procedure_id, lot));
CREATE INDEX contract_buyer ON contract (buyer_siren);
CREATE INDEX contract_ends ON contract (ends) WHERE ends IS NOT NULL;
CREATE INDEX contract_to_offer ON contract (created) WHERE offered IS NULL;
CREATE TABLE contract_holder (
  procedure_id TEXT NOT NULL, lot TEXT NOT NULL, siren TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
  PRIMARY KEY (procedure_id, lot, siren, name_key));
CREATE INDEX contract_holder_siren ON contract_holder (siren);
CREATE INDEX contract_holder_name ON contract_holder (name_key);
CREATE TABLE service_offer (
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL, stage TEXT NOT NULL, holders TEXT NOT NULL,
  decided_by TEXT NOT NULL DEFAULT '', at BIGINT NOT NULL, told BIGINT, reminded BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (structure, procedure_id, lot));
CREATE INDEX service_offer_stage ON service_offer (stage, at);
CREATE INDEX service_offer_contract ON service_offer (procedure_id, lot);
CREATE TABLE renewal (
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL, ahead BIGINT NOT NULL, ends BIGINT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (structure, procedure_id, lot, ahead));
CREATE INDEX renewal_contract ON renewal (procedure_id, lot);
CREATE TABLE account (
  structure TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, followed_by TEXT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (structure, key));
CREATE INDEX account_key ON account (key);
";

/// Files that came with a structure's own leads.
const ATTACHMENTS: &str = r"
CREATE TABLE attachment (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, notice_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, name TEXT NOT NULL,
  media_type TEXT NOT NULL, size BIGINT NOT NULL, at BIGINT NOT NULL, content {bytes} NOT NULL);
CREATE INDEX attachment_notice ON attachment (notice_id, structure);
CREATE INDEX attachment_subscriber ON attachment (subscriber_id);
CREATE INDEX attachment_at ON attachment (at);
";

/// How large the database was, day by day.
const SIZES: &str = r"
CREATE TABLE size_day (day TEXT PRIMARY KEY, bytes BIGINT NOT NULL);
";

/// Operations of facilitators: what they follow, from a planned purchase to hours done. `reference_key` is the reference as it is
/// compared; `sheet` the calibration; an attachment with `proposed` = 1 waits for a person. Hours are hundredths of an hour.
const OPERATIONS: &str = r"
CREATE TABLE operation (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, reference TEXT NOT NULL, reference_key TEXT NOT NULL, title TEXT NOT NULL,
  buyer TEXT NOT NULL, siret TEXT, territory TEXT NOT NULL, departments TEXT NOT NULL, programme TEXT NOT NULL, state TEXT NOT NULL,
  amount BIGINT, in_charge TEXT NOT NULL, next_step TEXT NOT NULL, next_on TEXT, remark TEXT NOT NULL, sheet TEXT,
  created BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE UNIQUE INDEX operation_reference ON operation (structure, reference_key);
CREATE TABLE operation_note (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, operation_id TEXT NOT NULL, written_by TEXT NOT NULL, at BIGINT NOT NULL,
  text TEXT NOT NULL);
CREATE INDEX operation_note_of ON operation_note (operation_id, at);
CREATE TABLE operation_procedure (
  structure TEXT NOT NULL, operation_id TEXT NOT NULL, procedure_id TEXT NOT NULL, standing TEXT NOT NULL, by_hand BIGINT NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (operation_id, procedure_id));
CREATE INDEX operation_procedure_of ON operation_procedure (procedure_id, structure);
CREATE TABLE operation_lot (
  structure TEXT NOT NULL, operation_id TEXT NOT NULL, lot TEXT NOT NULL, company_key TEXT NOT NULL, company TEXT NOT NULL, siret TEXT,
  owed BIGINT NOT NULL, starts TEXT, ends TEXT, published BIGINT NOT NULL, PRIMARY KEY (operation_id, lot, company_key));
CREATE TABLE operation_hours (
  structure TEXT NOT NULL, operation_id TEXT NOT NULL, month TEXT NOT NULL, lot TEXT NOT NULL, company_key TEXT NOT NULL,
  modality TEXT NOT NULL, company TEXT NOT NULL, siret TEXT, planned BIGINT NOT NULL, done BIGINT NOT NULL, people BIGINT,
  quarters BIGINT, women BIGINT, disabled BIGINT, remark TEXT NOT NULL,
  PRIMARY KEY (operation_id, month, lot, company_key, modality));
CREATE INDEX operation_hours_month ON operation_hours (structure, month);
CREATE TABLE operation_coefficient (
  structure TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, value BIGINT NOT NULL, source TEXT NOT NULL, set_by TEXT NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (structure, name));
CREATE TABLE operation_table (
  structure TEXT PRIMARY KEY, document TEXT NOT NULL, day BIGINT NOT NULL, sent TEXT NOT NULL, set_by TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE operation_told (
  structure TEXT NOT NULL, operation_id TEXT NOT NULL, what TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (structure, operation_id, what));
";

/// Where a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds nothing of ours.
    Empty,
    /// At that step.
    At(usize),
}

/// The step of a database, which is only read.
///
/// # Errors
/// It cannot be read.
pub(crate) async fn standing(db: &Database) -> Result<Standing, StoreError> {
    let there = match db.engine() {
        Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_step'",
        Engine::Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(false)) AND tablename = 'schema_step'"
        }
    };
    let (there,): (i64,) = sql::query_as(there).fetch_one(&db.reader()).await?;
    if there == 0 {
        return Ok(Standing::Empty);
    }
    let (found,): (i64,) =
        sql::query_as("SELECT CAST(COALESCE(MAX(n), 0) AS BIGINT) FROM schema_step").fetch_one(&db.reader()).await?;
    Ok(Standing::At(usize::try_from(found).unwrap_or(0)))
}

/// How a procedure stands, as published: lists say of it what its page says. What was called off and what nobody won were one word
/// before, and what is about to be concluded without a call was taken for closed.
const LISTED_STATE: &str = r#"
ALTER TABLE search ADD COLUMN stands TEXT NOT NULL DEFAULT '{}';
UPDATE search SET stands = COALESCE((SELECT p.snapshot FROM procedure p WHERE p.id = search.procedure_id), '{}');
UPDATE search SET status = 'no_award' WHERE status = 'cancelled' AND stands LIKE '{"status":"no_award"%';
UPDATE search SET status = 'intended' WHERE status = 'closed';
"#;

/// What a source remembers takes kilobytes and changes with what it brings; the rest of its row is short and changes at each poll.
/// The old column stays: a process of the version before may still write it, and what it would lose is one poll read again.
const SOURCE_MEMORIES: &str = r"
CREATE TABLE source_memory (source TEXT PRIMARY KEY, memory TEXT NOT NULL);
INSERT INTO source_memory (source, memory) SELECT id, memory FROM source WHERE memory <> '{}';
";

/// Health asks for what was put aside lately, of all sources; what was put aside in years is not walked.
const QUARANTINE_BY_MOMENT: &str = "CREATE INDEX quarantine_at ON quarantine (at, source);";

const PAGE_SOURCES: &str =
    "CREATE TABLE page_source (id TEXT PRIMARY KEY, form TEXT NOT NULL, changed BIGINT NOT NULL);";
/// Files of consultations that wait to be read, and what was read of those before; bytes are sealed.
const CONSULTATIONS: &str = r"
CREATE TABLE consultation (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, procedure_id TEXT NOT NULL, state TEXT NOT NULL, at BIGINT NOT NULL,
  given_by TEXT NOT NULL, done BIGINT NOT NULL DEFAULT 0, total BIGINT NOT NULL DEFAULT 0, tries BIGINT NOT NULL DEFAULT 0,
  holder TEXT NOT NULL DEFAULT '', lease_until BIGINT NOT NULL DEFAULT 0, findings {bytes} NOT NULL, texts {bytes} NOT NULL);
CREATE INDEX consultation_of ON consultation (structure, procedure_id);
CREATE INDEX consultation_procedure ON consultation (procedure_id);
CREATE INDEX consultation_waiting ON consultation (at) WHERE state = 'waiting';
CREATE INDEX consultation_at ON consultation (at);
CREATE TABLE consultation_file (
  id TEXT PRIMARY KEY, consultation_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, answer_to TEXT NOT NULL, name TEXT NOT NULL,
  size BIGINT NOT NULL, at BIGINT NOT NULL, content {bytes} NOT NULL);
CREATE INDEX consultation_file_of ON consultation_file (consultation_id);
CREATE INDEX consultation_file_subscriber ON consultation_file (subscriber_id);
CREATE INDEX consultation_file_at ON consultation_file (at);
";

/// What people settle themselves: which channels carry what, until when they are away and who stands in, names of subscriptions; and
/// whether someone whom the settings file declares has taken their subscriptions and rhythm in hand.
const IN_THEIR_HANDS: &str = r"
ALTER TABLE subscriber ADD COLUMN own_hands BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN routes TEXT NOT NULL DEFAULT '{}';
ALTER TABLE subscriber ADD COLUMN away_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN stand_in TEXT NOT NULL DEFAULT '';
ALTER TABLE subscription ADD COLUMN name TEXT NOT NULL DEFAULT '';
";

/// Calls for partners, who is asked and what they answer; members of networks; what structures chose about being proposed and counted;
/// what came of contracts won, as structures typed it.
const TOGETHER: &str = r"
CREATE TABLE partner_call (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, name TEXT NOT NULL, procedure_id TEXT NOT NULL, lots TEXT NOT NULL, note TEXT NOT NULL,
  state TEXT NOT NULL, closes BIGINT NOT NULL, tender BIGINT, opened BIGINT NOT NULL, opened_by TEXT NOT NULL, told TEXT NOT NULL,
  ended TEXT NOT NULL, follows TEXT NOT NULL DEFAULT '');
CREATE INDEX partner_call_structure ON partner_call (structure, opened);
CREATE INDEX partner_call_procedure ON partner_call (procedure_id);
CREATE INDEX partner_call_open ON partner_call (closes) WHERE state = 'open';
CREATE TABLE partner_invitation (
  call_id TEXT NOT NULL, structure TEXT NOT NULL, name TEXT NOT NULL, at BIGINT NOT NULL, shows_decision BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (call_id, structure));
CREATE INDEX partner_invitation_structure ON partner_invitation (structure);
CREATE TABLE partner_position (
  call_id TEXT NOT NULL, structure TEXT NOT NULL, lot TEXT NOT NULL, role TEXT NOT NULL, share BIGINT, hours BIGINT, people BIGINT,
  note TEXT NOT NULL, decided_by TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (call_id, structure, lot));
CREATE INDEX partner_position_structure ON partner_position (structure);
CREATE TABLE structure_choice (
  structure TEXT NOT NULL, choice TEXT NOT NULL, about TEXT NOT NULL, decided_by TEXT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (structure, choice, about));
CREATE TABLE impact (
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL, amount BIGINT, hours_planned BIGINT, hours_done BIGINT,
  people BIGINT, exits BIGINT, decided_by TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (structure, procedure_id, lot));
";

/// The area that each organisation of facilitators serves; `reach` holds the départements into which it reaches, between spaces.
const SERVICE_AREAS: &str = r"
CREATE TABLE service_area (
  structure TEXT PRIMARY KEY, document TEXT NOT NULL, reach TEXT NOT NULL, shown BIGINT NOT NULL, set_by TEXT NOT NULL, at BIGINT NOT NULL);
";

/// Hours of clauses that are to be worked, what structures answer to them, and who asked to hear of such. Hours are hundredths.
const HOURS_TO_FILL: &str = r"
CREATE TABLE hours_to_fill (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, organisation TEXT NOT NULL, operation_id TEXT NOT NULL, trade TEXT NOT NULL,
  sector TEXT NOT NULL, place TEXT NOT NULL, commune TEXT NOT NULL, departments TEXT NOT NULL, starts TEXT, hours BIGINT NOT NULL,
  contact TEXT NOT NULL, note TEXT NOT NULL, until TEXT NOT NULL, state TEXT NOT NULL, written_by TEXT NOT NULL, at BIGINT NOT NULL);
CREATE INDEX hours_to_fill_structure ON hours_to_fill (structure, at);
CREATE INDEX hours_to_fill_open ON hours_to_fill (until) WHERE state = 'open';
CREATE TABLE hours_answer (
  offer_id TEXT NOT NULL, structure TEXT NOT NULL, name TEXT NOT NULL, yes BIGINT NOT NULL, hours BIGINT NOT NULL, note TEXT NOT NULL,
  kept BIGINT NOT NULL, answered_by TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (offer_id, structure));
CREATE INDEX hours_answer_structure ON hours_answer (structure);
CREATE TABLE hours_reader (subscriber_id TEXT PRIMARY KEY, at BIGINT NOT NULL);
";

/// Meetings worth going to (`gone` = 1: a person took it away), and which digest told whom of them.
const EVENTS: &str = r"
CREATE TABLE event (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, title TEXT NOT NULL, day TEXT NOT NULL, hour TEXT NOT NULL, place TEXT NOT NULL,
  commune TEXT NOT NULL, departments TEXT NOT NULL, link TEXT NOT NULL, written_by TEXT NOT NULL, at BIGINT NOT NULL, gone BIGINT NOT NULL);
CREATE INDEX event_day ON event (day);
CREATE TABLE event_told (
  event_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, cause TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (event_id, subscriber_id));
CREATE INDEX event_told_subscriber ON event_told (subscriber_id);
CREATE INDEX notice_event ON notice (updated) WHERE kind = 'event';
";

/// What people are asked of subscriptions that give too much or nothing, whether they want to be, and when they were; what structures
/// are asked of their taste, and what they answered.
const ADVICE_AND_TASTE: &str = r"
ALTER TABLE subscriber ADD COLUMN advice BIGINT NOT NULL DEFAULT 1;
ALTER TABLE subscriber ADD COLUMN advised BIGINT NOT NULL DEFAULT 0;
CREATE TABLE advice (
  id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, subscription_id TEXT NOT NULL, said TEXT NOT NULL, answered TEXT NOT NULL,
  at BIGINT NOT NULL);
CREATE INDEX advice_subscriber ON advice (subscriber_id);
CREATE INDEX advice_at ON advice (at);
CREATE TABLE taste (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, sector TEXT NOT NULL, side TEXT NOT NULL, refused BIGINT NOT NULL,
  decided BIGINT NOT NULL, state TEXT NOT NULL, asked BIGINT NOT NULL, at BIGINT NOT NULL, decided_by TEXT NOT NULL);
CREATE INDEX taste_structure ON taste (structure);
";

/// From when somebody is away; 0 = since they said so.
const ABSENCE_FROM: &str = "ALTER TABLE subscriber ADD COLUMN away_from BIGINT NOT NULL DEFAULT 0;";

/// Brings the database to the newest step.
///
/// # Errors
/// The database is newer than this program, or a step fails: then it stays as it was.
pub(crate) async fn migrate(db: &Database) -> Result<(), StoreError> {
    migrate_to(db, MIGRATIONS.len()).await
}

/// The same, up to step `last`, from 1.
pub(crate) async fn migrate_to(db: &Database, last: usize) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    // Two processes that start together: the second waits here and then finds nothing to do.
    tx.lock(MIGRATING).await?;
    tx.script("CREATE TABLE IF NOT EXISTS schema_step (n BIGINT PRIMARY KEY)").await?;
    let (found,): (i64,) =
        sql::query_as("SELECT CAST(COALESCE(MAX(n), 0) AS BIGINT) FROM schema_step").fetch_one(&mut tx).await?;
    let (found, newest) = (usize::try_from(found).unwrap_or(0), MIGRATIONS.len());
    if found > newest {
        return Err(StoreError::Newer { found, newest });
    }
    for (n, step) in (1_i64..).zip(&MIGRATIONS[..last]).skip(found) {
        let bytes = if db.engine() == Engine::Postgres { "BYTEA" } else { "BLOB" };
        tx.script(&step.replace("{bytes}", bytes)).await?;
        sql::query("INSERT INTO schema_step (n) VALUES ($1)").bind(n).execute(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
