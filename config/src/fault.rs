//! What is wrong with a settings file, where, and what to do.
//!
//! A [`BlockFault`] is what a reader says of its own block; `load` adds the file and the line, which makes a [`Fault`].

use std::path::PathBuf;

/// What is wrong with the settings file. Shown as three lines: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  où : {}{}\n  que faire : {fix}", file.display(), line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct Fault {
    pub what: String,
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: Option<usize>,
    pub fix: String,
}

/// One step of a path into the settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// A place in a list, from 0.
    At(usize),
}

/// What a reader refuses in its block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct BlockFault {
    /// Where, from the block on.
    pub path: Vec<Step>,
    pub what: String,
    pub fix: String,
}

impl BlockFault {
    /// A fault at one key of the block; `a.0.b` is `b` of the first element of `a`.
    pub fn at(key: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path(key), what: what.into(), fix: fix.into() }
    }
}

/// A path into the settings file: `source.0.url` is the key `url` of the first `[[source]]`.
pub(crate) fn path(dotted: &str) -> Vec<Step> {
    dotted.split('.').map(|k| k.parse().map_or_else(|_| Step::Key(k.to_owned()), Step::At)).collect()
}

/// The TOML reader's message, its commonest cases in French.
pub(crate) fn translate(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let name = rest.split(',').next().unwrap_or(rest).trim_matches('`');
        return format!("clé inconnue « {name} »");
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("clé manquante « {} »", rest.trim_matches('`'));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let name = rest.split(',').next().unwrap_or(rest).trim_matches('`');
        return format!("valeur inconnue « {name} »");
    }
    format!("erreur de syntaxe : {}", syntax(message.lines().next().unwrap_or(message)))
}

/// What the TOML reader says of the writing of a file, in French: a value that it waited for is what it does not say otherwise.
fn syntax(message: &str) -> &'static str {
    const SAID: &[(&str, &str)] = &[
        ("duplicate key", "cette clé est déjà écrite plus haut"),
        ("invalid basic string", "texte sans guillemet de fin, ou signe impossible entre guillemets droits"),
        ("invalid literal string", "texte sans apostrophe de fin"),
        ("invalid multi-line", "texte de plusieurs lignes sans guillemets de fin"),
        ("carriage return", "retour chariot seul : enregistrez le fichier avec des fins de ligne ordinaires"),
        ("missing table", "crochet manquant autour du nom d’une table"),
        ("invalid table header", "nom de table illisible entre crochets"),
        ("unclosed table", "crochet fermant manquant"),
        ("unclosed array", "crochet fermant manquant à la fin de la liste"),
        ("unclosed inline table", "accolade fermante manquante"),
        ("missing comma", "virgule manquante entre deux valeurs"),
        ("extra comma", "virgule de trop"),
        ("key with no value", "clé sans valeur : écrivez clé = valeur"),
        ("missing value", "clé sans valeur : écrivez clé = valeur"),
        ("missing assignment", "signe = manquant entre la clé et sa valeur"),
        ("unquoted", "texte sans guillemets"),
        ("string values must be quoted", "texte sans guillemets"),
        ("newline", "fin de ligne manquante ou de trop"),
        ("escape", "barre oblique inverse suivie d’un signe impossible : écrivez-la deux fois"),
        ("number", "nombre illisible"),
        ("date", "date illisible"),
        ("leading zero", "nombre qui commence par un zéro"),
        ("control character", "signe invisible de trop"),
    ];
    let said = message.to_ascii_lowercase();
    SAID.iter().find(|(english, _)| said.contains(english)).map_or("cette ligne ne se lit pas", |(_, french)| french)
}

/// A value of another type than its key takes, in words: what, and what to do.
pub(crate) fn of_type(message: &str, key: &str) -> Option<(String, String)> {
    let (kind, rest) = message.lines().next()?.split_once(": ")?;
    if !matches!(kind, "invalid type" | "invalid value") {
        return None;
    }
    let (found, expected) = rest.split_once(", expected ")?;
    let (what, written) = match found.split_once([' ', '`', '"']) {
        Some((kind, written)) => (kind.trim(), written.trim_matches(['`', '"', ' '])),
        None => (found, ""),
    };
    let what = match what {
        "string" => format!("le texte « {written} »"),
        "integer" | "floating" => format!("le nombre {}", written.trim_start_matches("point").trim_matches(['`', ' '])),
        "boolean" => format!("« {written} »"),
        "sequence" => "une liste".to_owned(),
        "map" => "une table".to_owned(),
        _ => "cette valeur".to_owned(),
    };
    if let Some((least, most)) = range(word_of(expected), key) {
        let written = if written.is_empty() { what.clone() } else { format!("« {written} »") };
        let fix = match written
            .trim_matches(['«', '»', ' ', '\u{a0}'])
            .parse::<i64>()
            .ok()
            .filter(|n| (least..=most).contains(n))
        {
            Some(n) => format!("écrivez {key} = {n}, sans guillemets"),
            None => format!("écrivez {key} = suivi d’un tel nombre, sans guillemets"),
        };
        return Some((format!("« {key} » : un nombre de {least} à {most} est attendu, {written} est écrit"), fix));
    }
    let whole = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "integer"];
    let word = word_of(expected);
    let wanted = match word {
        w if whole.contains(&w) => "un nombre entier, sans guillemets",
        "f32" | "f64" | "floating point number" => "un nombre, sans guillemets",
        "boolean" => "true ou false, sans guillemets",
        "string" | "string or map" => "un texte entre guillemets",
        "sequence" => "une liste entre crochets",
        w if w.starts_with("map") || w.starts_with("struct") => "une table",
        _ => "une valeur d’une autre nature",
    };
    let number = written.parse::<i64>().ok().filter(|_| whole.contains(&word));
    let fix = match number {
        Some(n) if kind == "invalid type" => format!("écrivez {key} = {n}"),
        Some(_) => format!("{written} est hors limites : voyez {key} dans vigie.example.toml"),
        None => format!("voyez {key} dans vigie.example.toml"),
    };
    Some((format!("« {key} » attend {wanted} ; le fichier donne {what}"), fix))
}

/// The type that is expected, without its article.
fn word_of(expected: &str) -> &str {
    expected.trim_start_matches("a ").trim_start_matches("an ")
}

/// Between which numbers a key of that type stands.
fn range(kind: &str, key: &str) -> Option<(i64, i64)> {
    let least = i64::from(matches!(key, "port" | "connections" | "timeout_s" | "max_body_mib"));
    Some(match (kind, key) {
        ("u8", "digest_hour" | "hour" | "from" | "to") => (0, 23),
        ("u8", "min_score") => (0, 100),
        ("u8", _) => (least, u8::MAX.into()),
        ("u16", _) => (least, u16::MAX.into()),
        ("u32", _) => (least, u32::MAX.into()),
        _ => return None,
    })
}

pub(crate) fn hint(message: &str) -> String {
    match message.split_once("expected ") {
        Some((_, expected)) if message.starts_with("unknown") => {
            format!(
                "écrivez l’une de ces possibilités : {}",
                expected.trim_start_matches("one of ").replace('`', "").replace(" or ", " ou ")
            )
        }
        _ if message.starts_with("missing field") => {
            "ajoutez cette clé ; vigie.example.toml en montre un exemple".to_owned()
        }
        _ if message.contains("Secret") => {
            "un secret s’écrit { env = \"NOM\" } ou { file = \"/chemin\" }, jamais en clair".to_owned()
        }
        _ => "comparez avec vigie.example.toml".to_owned(),
    }
}
