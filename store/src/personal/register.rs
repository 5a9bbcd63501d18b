//! Every table of the database, and what it holds on people: one that stands in neither list is a fault, which a test finds.

/// What becomes of rows about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They go.
    Deleted,
    /// They stay, under identifiers that lead nowhere.
    Pseudonym,
    /// They stay with the structure; the person's name goes out of these columns.
    Unnamed(&'static [&'static str]),
    /// They go where they mention the person in this column.
    DeletedIfMentioned(&'static str),
    /// They go where their bytes name the person.
    DeletedIfNamed,
    /// They stay; whatever names the person goes out of this column.
    Scrubbed(&'static str),
}

/// A table that knows of persons.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Its name.
    pub table: &'static str,
    /// What it holds, in French: the label of the export.
    pub what: &'static str,
    /// Condition of the rows about one person; `$1` is the person's identifier.
    pub(super) of: &'static str,
    pub(super) fate: Fate,
}

const fn held(table: &'static str, what: &'static str, of: &'static str, fate: Fate) -> Held {
    Held { table, what, of, fate }
}

const OF_ADDRESSES: &str = "address_id IN (SELECT id FROM address WHERE subscriber_id = $1)";
const OF_SUBSCRIBER: &str = "subscriber_id = $1";

/// Tables that know of persons, in the order in which they are erased: what leads to other rows comes last.
pub const REGISTER: &[Held] = &[
    held("lane", "files d’envoi de vos adresses", OF_ADDRESSES, Fate::Deleted),
    held("consent", "vos accords : quand on vous a demandé, quand vous avez dit oui", OF_ADDRESSES, Fate::Deleted),
    held("bounce", "retours d’erreur de vos adresses", OF_ADDRESSES, Fate::Deleted),
    held(
        "chat",
        "vos conversations avec Vigie : où elles en sont",
        "EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = $1 AND a.channel = chat.channel AND a.value = chat.value)",
        Fate::Deleted,
    ),
    held(
        "incoming",
        "ce que vous venez d’écrire dans un chat et qui attend sa réponse",
        "EXISTS (SELECT 1 FROM address a WHERE a.subscriber_id = $1 AND a.channel = incoming.listener AND a.value = incoming.chat)",
        Fate::Deleted,
    ),
    held("chat_message", "messages de vos conversations qui montrent une décision", OF_SUBSCRIBER, Fate::Deleted),
    held("invitation", "invitations que vous avez acceptées", OF_SUBSCRIBER, Fate::Deleted),
    held("sign_in", "liens de connexion envoyés à vos adresses", OF_ADDRESSES, Fate::Deleted),
    held("session", "vos connexions aux pages", OF_SUBSCRIBER, Fate::Deleted),
    held("access_token", "jetons et liens privés que vous avez créés", OF_SUBSCRIBER, Fate::Deleted),
    held("idle", "depuis quand aucune de vos adresses n’est en service", OF_SUBSCRIBER, Fate::Deleted),
    held("access", "qui a consulté vos données", "whom = $1 OR who = $1", Fate::Deleted),
    held("attachment", "pièces jointes à vos pistes, que leur page donne à télécharger", OF_SUBSCRIBER, Fate::Deleted),
    held(
        "consultation_file",
        "fichiers de consultation que vous avez donnés et qui attendent d’être lus",
        OF_SUBSCRIBER,
        Fate::Deleted,
    ),
    held(
        "consultation",
        "ce qui a été lu des dossiers de consultation donnés par votre structure, et que la page du marché montre",
        "structure = $2",
        Fate::Unnamed(&["given_by"]),
    ),
    held("lead", "pistes que vous avez apportées", OF_SUBSCRIBER, Fate::Deleted),
    held("verdict_correction", "verdicts que vous avez corrigés", OF_SUBSCRIBER, Fate::Pseudonym),
    held("decision", "décisions que vous avez prises", "structure = $2", Fate::Unnamed(&["decided_by", "assignee"])),
    held("decision_step", "étapes de vos décisions", "structure = $2", Fate::Unnamed(&["decided_by"])),
    held(
        "service_offer",
        "services proposés aux titulaires de contrats",
        "structure = $2",
        Fate::Unnamed(&["decided_by"]),
    ),
    held("renewal", "contrats dont la fin vous a été annoncée", "structure = $2", Fate::Unnamed(&[])),
    held("account", "acheteurs et entreprises que vous suivez", "structure = $2", Fate::Unnamed(&["followed_by"])),
    held("operation_told", "opérations dont une nouvelle vous a été dite", "structure = $2", Fate::Unnamed(&[])),
    held("operation_table", "votre tableau mensuel", "structure = $2", Fate::Unnamed(&["set_by"])),
    held("operation_coefficient", "vos coefficients de calibrage", "structure = $2", Fate::Unnamed(&["set_by"])),
    held(
        "operation_hours",
        "heures prévues et réalisées de vos opérations, sans nom de personne",
        "structure = $2",
        Fate::Unnamed(&[]),
    ),
    held("operation_lot", "entreprises titulaires dans vos opérations", "structure = $2", Fate::Unnamed(&[])),
    held("operation_procedure", "marchés rattachés à vos opérations", "structure = $2", Fate::Unnamed(&[])),
    held("operation_note", "notes sur vos opérations", "structure = $2", Fate::Unnamed(&["written_by"])),
    held("operation", "opérations que votre organisation suit", "structure = $2", Fate::Unnamed(&["in_charge"])),
    held(
        "service_area",
        "territoire de votre organisation, et comment la joindre",
        "structure = $2",
        Fate::Unnamed(&["set_by"]),
    ),
    held("event_told", "rencontres que vos résumés vous ont annoncées", OF_SUBSCRIBER, Fate::Deleted),
    held("event", "rencontres que votre structure a annoncées", "structure = $2", Fate::Unnamed(&["written_by"])),
    held("hours_reader", "votre souhait de recevoir les heures de clause à pourvoir", OF_SUBSCRIBER, Fate::Deleted),
    held(
        "hours_answer",
        "réponses de votre structure à des heures de clause à pourvoir",
        "structure = $2",
        Fate::Unnamed(&["answered_by", "name"]),
    ),
    held(
        "hours_to_fill",
        "heures de clause que votre organisation propose",
        "structure = $2",
        Fate::Unnamed(&["written_by"]),
    ),
    held("partner_position", "réponses à des appels à partenaires", "structure = $2", Fate::Unnamed(&["decided_by"])),
    held("partner_invitation", "appels à partenaires reçus", "structure = $2", Fate::Unnamed(&["name"])),
    held("partner_call", "appels à partenaires ouverts", "structure = $2", Fate::Unnamed(&["opened_by", "name"])),
    held(
        "structure_choice",
        "réseaux qui vous ont demandé si vous êtes membre, et n’ont pas votre accord",
        "about = $1 AND choice = 'asks'",
        Fate::Deleted,
    ),
    held(
        "structure_choice",
        "ce que votre structure accepte : être proposée, être comptée dans un réseau",
        "structure = $2",
        Fate::Unnamed(&["decided_by"]),
    ),
    held(
        "taste",
        "ce que vos refus ont appris à Vigie, et ce que vous en avez répondu",
        "structure = $2",
        Fate::Unnamed(&["decided_by"]),
    ),
    held("advice", "questions posées sur vos abonnements trop larges ou trop étroits", OF_SUBSCRIBER, Fate::Deleted),
    held("impact", "bilan de vos contrats gagnés", "structure = $2", Fate::Unnamed(&["decided_by"])),
    held(
        "journal",
        "journal de ce qui vous concerne",
        "reference = $1 OR reference IN (SELECT id FROM address WHERE subscriber_id = $1) OR reference IN (SELECT id FROM delivery WHERE subscriber_id = $1)",
        Fate::Deleted,
    ),
    held("journal", "journal de l’exploitation", "1 = 0", Fate::Scrubbed("text")),
    held("alert", "messages à l’exploitant", "1 = 0", Fate::Scrubbed("body")),
    held("quarantine", "courriels et avis illisibles", "1 = 0", Fate::DeletedIfNamed),
    held("directory", "annuaires publics", "1 = 0", Fate::DeletedIfMentioned("document")),
    held(
        "alert",
        "textes écrits pour vous",
        "body IS NOT NULL AND id IN (SELECT alert_id FROM notification WHERE subscriber_id = $1) AND id NOT IN (SELECT alert_id FROM notification WHERE subscriber_id <> $1)",
        Fate::Deleted,
    ),
    held("notification", "ce qui a été décidé pour vous, avis par avis", OF_SUBSCRIBER, Fate::Deleted),
    held("subscription", "vos abonnements", OF_SUBSCRIBER, Fate::Deleted),
    held(
        "message_part",
        "messages de vos conversations qui portent vos envois",
        "delivery_id IN (SELECT id FROM delivery WHERE subscriber_id = $1)",
        Fate::Deleted,
    ),
    held(
        "attempt",
        "tentatives d’envoi",
        "delivery_id IN (SELECT id FROM delivery WHERE subscriber_id = $1)",
        Fate::Pseudonym,
    ),
    held("delivery", "envois vers vos adresses", OF_SUBSCRIBER, Fate::Pseudonym),
    held("address", "vos adresses", OF_SUBSCRIBER, Fate::Deleted),
    held("subscriber", "qui vous êtes : nom, rôle, structure, rythme, canaux, absence", "id = $1", Fate::Deleted),
];

/// Tables that know of nobody: public notices, sources, and marks that lead back to no one.
pub const IMPERSONAL: &[&str] = &[
    "meta",
    "schema_step",
    "audience_change",
    "source",
    "source_day",
    "source_memory",
    "page_source",
    "alarm",
    "procedure",
    "procedure_key",
    "notice",
    "second_reading",
    "likeness",
    "search",
    "contract",
    "contract_holder",
    "pace",
    "chore",
    "outage",
    "lease",
    "suppressed",
    "inbox",
    "inbox_mail",
    "listener",
    "heard",
    "size_day",
    "slow_statement",
];
