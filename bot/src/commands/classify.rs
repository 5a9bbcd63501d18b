//! `vigie classify`: notices out of files, judged; one JSON object a line, or a text for people.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vigie_domain::{
    Access, AlertKind, Assessment, Notice, ProcedureState, StructureKind, access, french, json, visible,
};
use vigie_notifier::card::{self, AlertItem, Line, Links, Why};
use vigie_watcher::classify::{self, plain, zones};
use vigie_watcher::html::plain_text;
use vigie_watcher::sources::eforms::NoNotice;
use vigie_watcher::sources::{boamp, decp, eforms};
use vigie_watcher::{charset, tree};

use super::output::print;
use vigie_service::Clock;
use vigie_service::Failure;

/// Largest file read.
const MAX_FILE: u64 = 256 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct ClassifyArgs {
    /// Format des fichiers
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// Sortie : json (un objet par ligne) ou text (pour une personne)
    #[arg(long, value_enum, default_value = "json")]
    output: Output,
    /// Fichiers, ou - pour l’entrée standard
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Auto,
    BoampJson,
    BoampXml,
    Eforms,
    Decp,
    Html,
    TextJsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Json,
    Text,
}

pub(super) fn classify(args: &ClassifyArgs) -> Result<(), Failure> {
    let mut faults = 0usize;
    let mut judged = 0usize;
    for path in &args.files {
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                complain(&e);
                faults += 1;
                continue;
            }
        };
        for found in notices(path, &bytes, args.format) {
            match found {
                Ok(notice) => {
                    let assessment = judged_today(&notice);
                    judged += 1;
                    let text = match args.output {
                        Output::Json => serde_json::to_string(&assessment).map(|l| l + "\n").map_err(|e| {
                            Failure::new(e.to_string(), path.display().to_string(), "signalez cette erreur")
                        })?,
                        Output::Text => explain(&notice, &assessment),
                    };
                    print(&text)?;
                }
                Err(e) => {
                    complain(&e);
                    faults += 1;
                }
            }
        }
    }
    match faults {
        0 => Ok(()),
        n => Err(Failure::new(
            format!(
                "{}, {}",
                french::counted(n, "enregistrement illisible", "enregistrements illisibles"),
                french::counted(judged, "jugé", "jugés")
            ),
            "messages ci-dessus",
            "corrigez ou écartez ces enregistrements ; les autres ont été jugés",
        )),
    }
}

/// Judges a notice. Days without a year in a plain text that does not say when it was published are read against today.
fn judged_today(notice: &Notice) -> Assessment {
    if notice.published.is_some() {
        return classify::classify(notice);
    }
    let today = zones::paris_day(Clock::from_environment().unwrap_or_default().now());
    let text = notice.passages.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n");
    classify::classify(&Notice { published: plain::read_against(&text, today), ..notice.clone() })
}

/// The first notice of a file; a text (`.txt`) is one notice, its first line the title.
pub(super) fn first_of(path: &Path) -> Result<Notice, Failure> {
    let bytes = read(path)?;
    let place = path.display().to_string();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("txt")) {
        let text = charset::decode_xml(&bytes);
        let text = visible(&text);
        let title = text.lines().map(str::trim).find(|l| !l.is_empty());
        let title = title.ok_or_else(|| unreadable(&place, "fichier vide"))?;
        return Ok(plain::notice(&place, title, &text));
    }
    match notices(path, &bytes, Format::Auto).into_iter().next() {
        Some(notice) => notice,
        None => Err(unreadable(&place, "aucun avis dans ce fichier")),
    }
}

/// One clear line on standard error; the rest of the batch goes on.
fn complain(failure: &Failure) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{} : {} ({})", failure.place, failure.what, failure.fix);
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let place = path.display().to_string();
    let failed = |e: std::io::Error| {
        Failure::new(
            format!("fichier illisible : {}", french::of_system(&e)),
            &place,
            "vérifiez le chemin et les droits",
        )
    };
    let mut bytes = Vec::new();
    if place == "-" {
        std::io::stdin().lock().take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(path).and_then(|f| f.take(MAX_FILE).read_to_end(&mut bytes)).map_err(failed)?;
    }
    Ok(bytes)
}

type Found = Vec<Result<Notice, Failure>>;

/// The notices of a file, their texts cleaned as sources clean theirs.
fn notices(path: &Path, bytes: &[u8], format: Format) -> Found {
    let mut found = written(path, bytes, format);
    found.iter_mut().flatten().for_each(Notice::clean_texts);
    found
}

fn written(path: &Path, bytes: &[u8], format: Format) -> Found {
    let place = path.display().to_string();
    match format {
        Format::Auto => guess(&place, bytes),
        Format::BoampJson => match tree::from_json(bytes) {
            Ok(document) => boamp_json(&document, &place),
            Err(_) if lines_of_json(bytes) => json_lines(&place, bytes),
            Err(e) => vec![Err(unreadable(&place, &format!("JSON illisible : {}", json::in_french(&e.to_string()))))],
        },
        Format::BoampXml | Format::Eforms | Format::Decp => match tree_of(bytes) {
            Ok(tree) => of_tree(&tree, &place, format),
            Err(why) => vec![Err(unreadable(&place, &why))],
        },
        Format::Html => vec![Ok(html(&place, bytes))],
        Format::TextJsonl => json_lines(&place, bytes),
    }
}

fn unreadable(place: &str, why: &str) -> Failure {
    Failure::new(why, place, "vérifiez le fichier, ou nommez son format avec --format")
}

fn tree_of(bytes: &[u8]) -> Result<Value, String> {
    if bytes.trim_ascii_start().starts_with(b"<")
        || charset::decode_xml(bytes).trim_start_matches('\u{feff}').trim_start().starts_with('<')
    {
        return tree::from_xml(bytes).map_err(|e| e.to_string());
    }
    tree::from_json(bytes).map_err(|e| format!("ni XML ni JSON : {}", json::in_french(&e.to_string())))
}

fn guess(place: &str, bytes: &[u8]) -> Found {
    if bytes.trim_ascii().is_empty() {
        return vec![Err(unreadable(place, "fichier vide"))];
    }
    let text = charset::decode_xml(bytes);
    let start: String =
        text.trim_start_matches('\u{feff}').trim_start().chars().take(400).collect::<String>().to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return vec![Ok(html(place, bytes))];
    }
    if start.starts_with('<') {
        return match tree::from_xml(bytes) {
            Ok(tree) => of_tree(&tree, place, Format::Auto),
            Err(e) => vec![Err(unreadable(place, &e.to_string()))],
        };
    }
    if start.starts_with(['{', '[']) {
        return match tree::from_json(bytes) {
            Ok(document) if document.get("marches").is_some() || document.get("marche").is_some() => {
                of_tree(&document, place, Format::Decp)
            }
            Ok(document) if document.get("text").is_some() => json_lines(place, bytes),
            Ok(document) => boamp_json(&document, place),
            Err(_) if lines_of_json(bytes) => json_lines(place, bytes),
            Err(e) => vec![Err(unreadable(place, &format!("JSON illisible : {}", json::in_french(&e.to_string()))))],
        };
    }
    vec![Err(unreadable(place, "format non reconnu (ni JSON, ni XML, ni HTML)"))]
}

/// The first line alone is an object: one object a line.
fn lines_of_json(bytes: &[u8]) -> bool {
    bytes.split(|b| *b == b'\n').next().is_some_and(|l| serde_json::from_slice::<Value>(l).is_ok_and(|v| v.is_object()))
}

fn boamp_json(document: &Value, place: &str) -> Found {
    boamp::records(document)
        .into_iter()
        .enumerate()
        .map(|(i, record)| {
            boamp::from_json(record).map_err(|e| {
                Failure::new(
                    e.to_string(),
                    format!("{place} enregistrement {}", i + 1),
                    "cet enregistrement est écarté",
                )
            })
        })
        .collect()
}

fn of_tree(tree: &Value, place: &str, format: Format) -> Found {
    let try_boamp = matches!(format, Format::Auto | Format::BoampXml);
    if matches!(format, Format::Auto | Format::Eforms) {
        match eforms::from_tree(tree) {
            Ok(notice) => return vec![Ok(notice)],
            Err(none @ NoNotice::Registration(_)) => return vec![Err(unreadable(place, &none.to_string()))],
            Err(_) => {}
        }
    }
    if matches!(format, Format::Auto | Format::Decp) {
        let found = decp::from_tree(tree);
        if !found.is_empty() {
            return found.into_iter().map(Ok).collect();
        }
    }
    if try_boamp {
        return vec![
            boamp::from_xml_tree(tree).map_err(|e| unreadable(place, &format!("aucune annonce reconnue : {e}"))),
        ];
    }
    vec![Err(unreadable(place, "aucun avis reconnu"))]
}

/// One object a line: `{"id","title","text"}`, or a BOAMP record.
fn json_lines(place: &str, bytes: &[u8]) -> Found {
    let text = charset::decode_xml(bytes);
    text.lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
        .map(|(i, line)| {
            let place = format!("{place}:{}", i + 1);
            let value = tree::from_json(line.as_bytes())
                .map_err(|e| unreadable(&place, &format!("ligne illisible : {}", json::in_french(&e.to_string()))))?;
            let string = |key: &str| value.get(key).and_then(Value::as_str);
            match (string("text"), value.get("id")) {
                (Some(text), Some(id)) => {
                    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                    Ok(plain::notice(&id, string("title").unwrap_or_default(), &visible(text)))
                }
                (Some(_), None) => Err(unreadable(&place, "ligne sans « id »")),
                (None, _) => boamp::from_json(&value).map_err(|e| unreadable(&place, &e.to_string())),
            }
        })
        .collect()
}

fn html(place: &str, bytes: &[u8]) -> Notice {
    let source = charset::decode_xml(bytes);
    let text = plain_text(&source);
    let between = |open: &str, close: &str| {
        let lower = source.to_ascii_lowercase();
        let start = lower.find(open)? + open.len();
        let end = lower[start..].find(close)? + start;
        source.get(start..end).map(|t| plain_text(t.trim_start_matches(|c| c != '>').trim_start_matches('>')))
    };
    let title = between("<title", "</title")
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| text.lines().next().unwrap_or_default().to_owned());
    let name = Path::new(place).file_stem().map_or_else(|| place.to_owned(), |s| s.to_string_lossy().into_owned());
    plain::notice(&name, &title, &visible(&text))
}

/// What a person wants to read of one notice.
fn explain(notice: &Notice, assessment: &Assessment) -> String {
    let now = Clock::from_environment().unwrap_or_default().now();
    let why = Why::default();
    let card = card::card(
        &AlertItem {
            kind: AlertKind::New,
            changes: &[],
            notice,
            assessment,
            state: &ProcedureState::of_verdict(assessment, now),
            why: &why,
            noticed: now,
            contacts: &[],
            links: Links::default(),
            stands: None,
        },
        now,
    );
    let rules = vigie_config::rules::Rules::embedded();
    let title = if card.title.is_empty() { "(sans titre)" } else { &card.title };
    let mut out = format!("{}\n{title}\n{}", "═".repeat(78), card.buyer);
    if !card.place.is_empty() {
        out.push_str(&format!(" – {}", card.place));
    }
    out.push_str(&format!("\n{} · intérêt {}/100\n", card.reference, card.score));
    let mut block = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("\n{title}\n"));
            lines.iter().for_each(|l| out.push_str(&format!("  • {l}\n")));
        }
    };
    let quoted = |l: &Line| {
        let text = if l.text.is_empty() { String::new() } else { format!(" : {}", l.text) };
        let quote = l.quote.as_ref().map(|q| format!("\n      « {q} »")).unwrap_or_default();
        format!("{}{text}{quote}", l.label)
    };
    block("VERDICT", assessment.reasons.clone());
    let said =
        card.provisions.iter().zip(&assessment.provisions).map(|(line, p)| match (&line.quote, &p.evidence.field) {
            (None, Some(field)) => format!("{}\n      (champ {field})", quoted(line)),
            _ => quoted(line),
        });
    block("CE QUE DIT L’AVIS", said.collect());
    block("ATTRIBUÉ À", card.winners.clone());
    block("DATES", card.dates.iter().map(quoted).collect());
    let mut lots: Vec<_> = assessment.lots.iter().collect();
    lots.sort_by_key(|l| (l.id.parse::<u32>().unwrap_or(u32::MAX), l.id.clone()));
    block("LOTS", lots.into_iter().map(|l| format!("Lot {} : {}", l.id, card::short(&l.title, 140))).collect());
    block("BON À SAVOIR", card.facts.iter().map(quoted).collect());
    let labels = |sectors: &[String]| sectors.iter().map(|s| rules.sector_label(s).to_owned()).collect();
    block("MÉTIERS", labels(&assessment.sectors));
    block("BESOINS À CÔTÉ DES TRAVAUX", labels(&assessment.side_sectors));
    block("COMMENT RÉPONDRE", assessment.routes.iter().map(|r| card::route_label(*r).to_owned()).collect());
    let kinds = |wanted: Option<Access>| {
        let kept =
            assessment.eligible_kinds.iter().filter(|k| wanted.is_none_or(|w| best_access(**k, assessment) == Some(w)));
        kept.map(|k| format!("{} ({})", k.acronym(), card::structure_label(*k))).collect::<Vec<_>>()
    };
    if assessment.notice_kind.is_result() {
        block("QUI PEUT FAIRE LES HEURES", kinds(None));
    } else {
        block("QUI PEUT RÉPONDRE", kinds(Some(Access::Bid)));
        block("QUI PEUT METTRE DU PERSONNEL À DISPOSITION", kinds(Some(Access::Serve)));
    }
    out.push('\n');
    out
}

/// The most that structures of a kind can do about any lot.
fn best_access(kind: StructureKind, a: &Assessment) -> Option<Access> {
    if a.lots.is_empty() {
        return access::of_lot(kind, a, None);
    }
    a.lots.iter().filter_map(|l| access::of_lot(kind, a, Some(l))).min()
}
