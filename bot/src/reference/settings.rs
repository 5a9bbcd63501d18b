//! `docs/settings.md`: every key of the settings file, out of the types that read it: name, what it takes, what holds where it is not written,
//! and the words beside it in the code.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use vigie_config::settings::{
    Baseline, Email, Mailbox, Settings, SignUpMode, SourceVisibility, TelegramUpdate, Tls, Weekday,
};
use vigie_config::{EXAMPLE, load};
use vigie_domain::subscription::Role;
use vigie_domain::{BuyerKind, BuyerType, NoticeKind, ProvisionKind, StructureKind, SupplyMode};
use vigie_watcher::sources::{REGISTRY, readers};

use super::{cell, compare, root};

const HEAD: &str = "# Settings\n\n\
    The file is TOML: `/etc/vigie/vigie.toml` where no `-c` is given. `vigie.example.toml` shows a block of each kind with words in French; `vigie check` says what is wrong with a file, \
    with its line; the page Exploitation › Réglages shows what is in force and which line gives it. A key that does not exist is refused. SIGHUP reads the file again. \
    A **secret** is `{ env = \"NAME\" }` or `{ file = \"/path\" }`, never the value itself. \"Needed\" is what a table cannot be without.\n";

/// The tables of the file: how each is written, the file of its type, the type, and a word on it.
const TABLES: &[(&str, &str, &str, &str)] = &[
    (
        "[operator]",
        "config/src/settings.rs",
        "Operator",
        "Needed as soon as people are written to by mail or chat: they read it under each message.",
    ),
    ("[store]", "config/src/settings.rs", "Store", "A relative path begins at the folder of the settings file."),
    ("[backup]", "config/src/settings/backup.rs", "Backup", "SQLite only; PostgreSQL has its own tools."),
    ("[fetch]", "config/src/settings.rs", "Fetch", ""),
    ("[email]", "config/src/settings/channels.rs", "Email", ""),
    ("[email] dkim", "config/src/settings/channels.rs", "Dkim", "`dkim = { selector = …, key = … }`"),
    ("[mailbox]", "config/src/settings/channels.rs", "Mailbox", ""),
    ("[matrix]", "config/src/settings/channels.rs", "Matrix", ""),
    ("[telegram]", "config/src/settings/channels.rs", "Telegram", ""),
    ("[web]", "config/src/settings.rs", "Web", ""),
    ("[pace]", "config/src/settings.rs", "Pace", ""),
    ("[sign_up]", "config/src/settings/sign_up.rs", "SignUp", ""),
    ("[after_award]", "config/src/settings/after_award.rs", "AfterAward", ""),
    (
        "[judgement.assistant]",
        "config/src/settings/judgement.rs",
        "Assistant",
        "Facultative: statements in doubt are read a second time.",
    ),
    ("[templates]", "config/src/settings.rs", "Templates", ""),
    (
        "[retention]",
        "config/src/settings.rs",
        "Retention",
        "Days; 0 = for ever. Reasons: [Données personnelles](rgpd.md).",
    ),
    ("[log]", "config/src/settings.rs", "Log", ""),
    ("[observe]", "config/src/settings.rs", "Observe", "[What is measured](metrics.md)."),
    (
        "[[subscriber]]",
        "config/src/settings.rs",
        "Subscriber",
        "People declared here; the others add themselves or are added by commands and pages.",
    ),
    ("[[subscriber.tool]]", "config/src/settings.rs", "Tool", ""),
    (
        "[subscriber.rhythm]",
        "domain/src/subscription.rs",
        "Rhythm",
        "The first state: the person's own changes win afterwards.",
    ),
    ("[[subscriber.subscription]]", "config/src/settings.rs", "Subscription", ""),
    (
        "[subscriber.subscription.filter]",
        "domain/src/subscription.rs",
        "Filter",
        "Or within a line, and between lines; empty = everything.",
    ),
    (
        "[[source]]",
        "config/src/settings/source.rs",
        "Source",
        "Every source has these keys, and those of its reader below.",
    ),
];

/// The keys of each reader: its name, the file of its type, the type, and how its table is written.
const READERS: &[(&str, &str, &str, &str)] = &[
    ("boamp", "watcher/src/sources/boamp/mod.rs", "Options", "[[source]]"),
    ("ted", "watcher/src/sources/ted/mod.rs", "Options", "[[source]]"),
    ("approch", "watcher/src/sources/approch/mod.rs", "Options", "[[source]]"),
    ("decp", "watcher/src/sources/decp/mod.rs", "Options", "[[source]]"),
    ("feed", "watcher/src/sources/feed/mod.rs", "Options", "[[source]]"),
    ("portal", "watcher/src/sources/portal/mod.rs", "Options", "[[source]]"),
    ("portal", "watcher/src/sources/portal/mod.rs", "List", "[source.list]"),
    ("portal", "watcher/src/sources/portal/mod.rs", "DetailPage", "[source.detail]"),
    ("mailbox", "watcher/src/sources/mailbox/mod.rs", "Options", "[[source]]"),
    ("mailbox", "watcher/src/sources/mailbox/rules.rs", "WrittenRule", "[[source.rule]]"),
];

/// Tables that are tables of this page of their own.
const APART: &[&str] = &["dkim", "tool", "rhythm", "subscription", "filter", "options", "list", "detail", "rule"];

#[test]
fn the_page_of_settings_is_what_is_read() {
    let defaults = defaults();
    let mut out = HEAD.to_owned();
    for (table, file, name, word) in TABLES {
        let path = table.trim_matches(['[', ']']).replace("] ", ".");
        out.push_str(&format!("\n## `{table}`\n\n{word}\n\n").replace("\n\n\n\n", "\n\n"));
        out.push_str(&rows(&fields(file, name), &path, &defaults));
    }
    out.push_str("\n## Readers\n\n`kind` names one; each has keys of its own.\n");
    for (n, (kind, file, name, table)) in READERS.iter().enumerate() {
        let known = REGISTRY.iter().find(|k| k.name == *kind).unwrap();
        if n == 0 || READERS[n - 1].0 != *kind {
            let schedule = known.default_schedule;
            out.push_str(&format!(
                "\n### `kind = \"{kind}\"`\n\n<span lang=\"fr\">{}.</span> Schedule unless said otherwise: `{schedule}`.\n",
                known.summary
            ));
        }
        out.push_str(&format!("\n`{table}`\n\n{}", rows(&fields(file, name), "", &defaults)));
    }
    assert!(
        REGISTRY.iter().all(|k| READERS.iter().any(|(kind, ..)| *kind == k.name)),
        "every reader has its keys here"
    );
    out.push_str(
        "\n`[source.login]`: `method = \"form\"` (`url`, `username`, `password`, and `username_field`, `logged_out` where needed), `\"bearer\"` (`token`), `\"basic\"` (`username`, `password`) or \
         `\"cookie\"` (`cookie`); `password`, `token` and `cookie` are secrets.\n\n\
         `fields` of `[source.list]`, `[source.detail]` and `[[source.rule]]`: `id`, `title`, `link`, `buyer`, `siret`, `reference`, `deadline`, `published`, `text`, `cpv`, `place`, `lots`, `documents`, `social`. \
         Each is a CSS selector (`a.titre@href` for an attribute, ` || ` before a second try), a JSON pointer, or a table `{ select = …, pattern = …, optional = true }`.\n",
    );
    compare("settings.md", &out);
}

/// Every top-level table of the settings stands on the page.
#[test]
fn no_table_is_left_out_of_the_page() {
    let whole = fields("config/src/settings.rs", "Settings");
    assert!(whole.len() > 15);
    for field in whole.iter().filter(|f| f.name != "origin") {
        let there = TABLES.iter().any(|(table, ..)| {
            let path = table.trim_matches(['[', ']']);
            path == field.name || path.starts_with(&format!("{}.", field.name))
        });
        assert!(there, "{} has no table in TABLES", field.name);
    }
}

/// A key, as the code has it.
struct Field {
    name: String,
    kind: String,
    doc: String,
    /// Something holds where it is not written.
    has_default: bool,
}

/// The fields of a struct, out of its source.
fn fields(file: &str, name: &str) -> Vec<Field> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let start = text.find(&format!("struct {name} {{")).unwrap_or_else(|| panic!("{file} has no struct {name}"));
    // What stands on the struct holds for all of its fields.
    let above = text[..start].rsplit("\n\n").next().unwrap();
    let all_default = above.contains("#[serde(default");
    let body = text[start..].split("\n}").next().unwrap();
    let field = regex::Regex::new(r"^(?:pub(?:\([a-z]+\))? )?([a-z_]+): (.+),$").unwrap();
    let (mut out, mut doc, mut has_default) = (Vec::new(), String::new(), all_default);
    for line in body.lines().skip(1).map(str::trim) {
        if let Some(said) = line.strip_prefix("/// ") {
            doc.push_str(said);
            doc.push(' ');
        } else if line.starts_with("#[serde(") {
            assert!(!line.contains("rename"), "{file}: {name} renames a key");
            has_default |= line.contains("default");
        } else if let Some(found) = field.captures(line) {
            let kind = found[2].to_owned();
            has_default |= kind.starts_with("Option<");
            out.push(Field { name: found[1].to_owned(), kind, doc: std::mem::take(&mut doc), has_default });
            has_default = all_default;
        }
    }
    assert!(!out.is_empty(), "{file}: {name} has no field");
    out
}

fn rows(fields: &[Field], path: &str, defaults: &BTreeMap<String, String>) -> String {
    let link = regex::Regex::new(r"\[`([^`\]]+)`\]").unwrap();
    let mut out = "| key | takes | unless written | what |\n|---|---|---|---|\n".to_owned();
    for field in fields.iter().filter(|f| !APART.contains(&f.name.as_str())) {
        let holds = match (field.has_default, defaults.get(&format!("{path}.{}", field.name))) {
            (false, _) => "*needed*".to_owned(),
            (true, Some(value)) => format!("`{}`", cell(value)),
            (true, None) => "–".to_owned(),
        };
        let doc = link.replace_all(&field.doc, "`$1`").into_owned();
        assert!(!doc.is_empty(), "{path}.{} has no word beside it", field.name);
        out.push_str(&format!("| `{}` | {} | {holds} | {} |\n", field.name, takes(&field.kind), cell(&doc)));
    }
    out
}

/// What a key takes, by its type.
fn takes(kind: &str) -> String {
    let inner = |wrap: &str| kind.strip_prefix(wrap).and_then(|k| k.strip_suffix('>'));
    if let Some(one) = inner("Option<") {
        return takes(one);
    }
    if let Some(one) = inner("Vec<") {
        return format!("list: {}", takes(one));
    }
    match kind {
        "bool" => "`true`, `false`".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "whole number".to_owned(),
        "f64" => "number".to_owned(),
        "Secret" => "secret".to_owned(),
        "url::Url" | "Url" => "address".to_owned(),
        "PathBuf" | "std::path::PathBuf" => "path".to_owned(),
        "String" => "text".to_owned(),
        "chrono::NaiveDate" => "day, `\"2027-03-31\"`".to_owned(),
        "Department" => "département: `\"59\"`, `\"2A\"`".to_owned(),
        "Sector" => "slug of `vigie subscriptions sectors`".to_owned(),
        "Around" => "`{ commune = \"62498\", km = 30 }`".to_owned(),
        "QuietHours" => "`{ from = 20, to = 7 }`".to_owned(),
        "Days" => "list of days: `\"lundi\"`…".to_owned(),
        "Cadence" => {
            "`instant`, `daily`, `weekly`, `auto`, `reserved`, or every so often: `30min`, `4h`, `2d`".to_owned()
        }
        "Format" => "`html`, `json`".to_owned(),
        "Channel" => "`webhook`, `mattermost`, `slack`, `teams`, `rocket_chat`".to_owned(),
        "Fields" => "table of fields, below".to_owned(),
        "toml::Table" | "login::Options" => "table, below".to_owned(),
        "Tls" => words::<Tls>(),
        "Weekday" => words::<Weekday>(),
        "Baseline" => words::<Baseline>(),
        "SourceVisibility" => words::<SourceVisibility>(),
        "SignUpMode" => words::<SignUpMode>(),
        "TelegramUpdate" => words::<TelegramUpdate>(),
        "Role" => words::<Role>(),
        "StructureKind" => words::<StructureKind>(),
        "BuyerKind" => words::<BuyerKind>(),
        "BuyerType" => words::<BuyerType>(),
        "NoticeKind" => words::<NoticeKind>(),
        "ProvisionKind" => words::<ProvisionKind>(),
        "SupplyMode" => words::<SupplyMode>(),
        other => panic!("what a {other} takes is not said"),
    }
}

/// The words of a closed list, as its reader tells them to who writes another.
fn words<T: DeserializeOwned>() -> String {
    let said = serde_json::from_value::<T>("no such word".into()).err().map(|e| e.to_string()).unwrap_or_default();
    let known: Vec<&str> =
        said.split_once("expected ").map_or("", |(_, rest)| rest).split('`').skip(1).step_by(2).collect();
    assert!(known.len() > 1, "{said}");
    known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// What holds for each key where the file says nothing: of tables that may be left out, once they are there.
fn defaults() -> BTreeMap<String, String> {
    let least = "host = 'h'\nfrom = 'v@x.example'";
    let email: Email = toml::from_str(least).unwrap();
    let mailbox: Mailbox = toml::from_str("host = 'h'\nusername = 'u'\npassword = { env = 'P' }").unwrap();
    let telegram = toml::from_str("token = { env = 'T' }").unwrap();
    let matrix = toml::from_str(
        "homeserver = 'https://m'\nuser = '@v:m'\npassword = { env = 'P' }\nstore = 's'\nstore_key = { env = 'K' }",
    )
    .unwrap();
    let mut settings = Settings {
        email: Some(email),
        mailbox: Some(mailbox),
        telegram: Some(telegram),
        matrix: Some(matrix),
        ..Settings::default()
    };
    settings.judgement.assistant = toml::from_str("url = 'http://127.0.0.1/v1'\nmodel = 'm'").ok();
    vigie_config::in_force::lines(&settings).into_iter().map(|line| (line.key, line.value)).collect()
}

/// The blocks that documents show are read by the program.
#[test]
fn the_program_reads_the_settings_that_documents_show() {
    load::parse(EXAMPLE, std::path::Path::new("vigie.example.toml"), &readers()).unwrap();
    let (mut seen, mut faults) = (0, Vec::new());
    for name in ["quick-start.md", "recipes.md", "operator.md"] {
        let text = std::fs::read_to_string(root().join("docs").join(name)).unwrap();
        for block in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            seen += 1;
            let whole = format!("{block}\n[operator]\nname = 'A'\ncontact = 'a@b.fr'\norganisation = 'B'\n");
            if let Err(found) = load::parse(&whole, std::path::Path::new(name), &readers()) {
                faults.extend(found.iter().map(|f| format!("{f}\n{block}")));
            }
        }
    }
    assert!(seen >= 7, "{seen} blocks");
    assert!(faults.is_empty(), "{}", faults.join("\n---\n"));
}
