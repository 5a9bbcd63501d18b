//! Reading the settings file. Unknown keys are refused; every fault names its line and what to do.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use crate::rules::Rules;
use crate::settings::{self, BlockFault, Settings, Source, Tls};

/// What is wrong with the settings file. Shown as three lines: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  où : {}{}\n  que faire : {fix}", file.display(), line.map(|l| format!(":{l}")).unwrap_or_default())]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: Option<usize>,
    /// What to do.
    pub fix: String,
}

/// Refuses a block of settings, or lets it pass.
pub type LookAtBlock = Box<dyn Fn(&Source) -> Result<(), BlockFault>>;

/// A kind of source that this build can read, and its look at a block of settings.
pub struct Reader {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    /// Refuses a block that it could not work with.
    pub check: LookAtBlock,
}

/// Reads and checks the file at `path`.
///
/// # Errors
/// The first fault of syntax, or every fault of meaning.
pub fn read(path: &Path, readers: &[Reader]) -> Result<Settings, Vec<Fault>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        vec![Fault {
            what: format!("le fichier de configuration est illisible : {e}"),
            file: path.to_owned(),
            line: None,
            fix: "vérifiez le chemin et les droits, ou copiez vigie.example.toml".to_owned(),
        }]
    })?;
    parse(&text, path, readers)
}

/// Reads and checks `text`, which stands in `file`. `readers` are the kinds of source this build knows.
///
/// # Errors
/// The first fault of syntax, or every fault of meaning.
pub fn parse(text: &str, file: &Path, readers: &[Reader]) -> Result<Settings, Vec<Fault>> {
    let settings: Settings = toml::from_str(text).map_err(|e| {
        let line = e.span().map(|s| line_of(text, s.start));
        vec![Fault { what: translate(e.message()), file: file.to_owned(), line, fix: hint(e.message()) }]
    })?;
    let mut check = Check { text, file, faults: Vec::new() };
    check.all(&settings, readers);
    if check.faults.is_empty() { Ok(settings) } else { Err(check.faults) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
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
    format!("erreur de syntaxe ou de type : {}", message.lines().next().unwrap_or(message))
}

pub(crate) fn hint(message: &str) -> String {
    match message.split_once("expected ") {
        Some((_, expected)) if message.starts_with("unknown") => {
            format!("écrivez l’une de ces possibilités : {}", expected.trim_start_matches("one of ").replace('`', ""))
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

/// One step of a path into the file.
enum Step<'a> {
    Key(&'a str),
    At(usize),
}

struct Check<'a> {
    text: &'a str,
    file: &'a Path,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn all(&mut self, settings: &Settings, readers: &[Reader]) {
        use Step::{At, Key};
        let rules = Rules::embedded();
        let mut seen = std::collections::BTreeSet::new();
        for (i, source) in settings.source.iter().enumerate() {
            let path = |key| [Key("source"), At(i), Key(key)];
            if !seen.insert(&source.id) {
                self.fault(
                    &path("id"),
                    format!("deux sources portent le nom « {} »", source.id),
                    "donnez à chacune un nom à elle",
                );
            }
            if source.id.is_empty() || !source.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
                self.fault(
                    &path("id"),
                    format!("nom de source « {} » impossible", source.id),
                    "n’utilisez que lettres sans accent, chiffres, « - », « _ » et « . »",
                );
            }
            match readers.iter().find(|r| r.name == source.kind) {
                None => {
                    let names: Vec<&str> = readers.iter().map(|r| r.name).collect();
                    self.fault(
                        &path("kind"),
                        format!("lecteur de source inconnu « {} »", source.kind),
                        &format!("choisissez parmi : {}", names.join(", ")),
                    );
                }
                Some(reader) => {
                    if let Err(fault) = (reader.check)(source) {
                        let inside = fault.path.iter().map(|step| match step {
                            settings::Step::Key(key) => Key(key),
                            settings::Step::At(n) => At(*n),
                        });
                        let whole: Vec<Step<'_>> = [Key("source"), At(i)].into_iter().chain(inside).collect();
                        self.fault(&whole, fault.what, &fault.fix);
                    }
                }
            }
            if let Some(schedule) = &source.schedule
                && let Err(e) = cron::Schedule::from_str(schedule)
            {
                self.fault(
                    &path("schedule"),
                    format!("horaire « {schedule} » illisible : {e}"),
                    "écrivez six champs, secondes d’abord, par exemple \"0 */20 * * * *\"",
                );
            }
            if let Some(url) = &source.url {
                self.http_url(&path("url"), url);
            }
        }
        if let Some(email) = &settings.email
            && email.tls == Tls::None
            && email.username.is_some()
        {
            self.fault(
                &[Key("email"), Key("tls")],
                "un mot de passe partirait en clair".to_owned(),
                "choisissez tls = \"starttls\" ou \"implicit\"",
            );
        }
        if let Some(url) = &settings.web.public_url {
            self.http_url(&[Key("web"), Key("public_url")], url);
        }
        if let Some(url) = &settings.store.url {
            let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme));
            if !known {
                self.fault(
                    &[Key("store"), Key("url")],
                    "adresse de base inconnue".to_owned(),
                    "écrivez sqlite:CHEMIN ou postgres://utilisateur@hôte/base",
                );
            }
            if url::Url::parse(url).is_ok_and(|u| u.password().is_some()) {
                self.fault(
                    &[Key("store"), Key("url")],
                    "un mot de passe en clair dans l’adresse de la base".to_owned(),
                    "retirez-le, et ajoutez password = { env = \"NOM\" }",
                );
            }
        }
        if let Some(dir) = settings.templates.dir.as_ref().filter(|d| !d.is_dir()) {
            self.fault(
                &[Key("templates"), Key("dir")],
                format!("dossier de modèles introuvable : {}", dir.display()),
                "corrigez le chemin, ou retirez la clé",
            );
        }
        let listen = [("web", Some(&settings.web.listen), 8765), ("observe", settings.observe.listen.as_ref(), 9464)];
        for (table, address, port) in listen.into_iter().filter_map(|(t, a, p)| Some((t, a?, p))) {
            if address.parse::<std::net::SocketAddr>().is_err() {
                self.fault(
                    &[Key(table), Key("listen")],
                    format!("adresse d’écoute « {address} » illisible"),
                    &format!("écrivez par exemple \"127.0.0.1:{port}\""),
                );
            }
        }
        if settings.pace.digest_hour > 23 {
            self.fault(
                &[Key("pace"), Key("digest_hour")],
                "l’heure des résumés doit tenir entre 0 et 23".to_owned(),
                "écrivez par exemple 8",
            );
        }
        for (i, cidr) in settings.fetch.allow_private.iter().enumerate() {
            if cidr.split_once('/').is_none_or(|(a, n)| {
                a.parse::<std::net::IpAddr>()
                    .map_or(true, |ip| n.parse::<u8>().map_or(true, |bits| bits > if ip.is_ipv4() { 32 } else { 128 }))
            }) {
                self.fault(
                    &[Key("fetch"), Key("allow_private"), At(i)],
                    format!("réseau « {cidr} » illisible"),
                    "écrivez par exemple \"10.1.0.0/16\"",
                );
            }
        }
        self.subscribers(settings, rules);
    }

    fn subscribers(&mut self, settings: &Settings, rules: &Rules) {
        use Step::{At, Key};
        let mut seen = std::collections::BTreeSet::new();
        for (i, subscriber) in settings.subscriber.iter().enumerate() {
            if !seen.insert(&subscriber.name) {
                self.fault(
                    &[Key("subscriber"), At(i), Key("name")],
                    format!("deux destinataires portent le nom « {} »", subscriber.name),
                    "donnez à chacun un nom à lui",
                );
            }
            let in_chat = subscriber.matrix.is_some() || subscriber.telegram.is_some();
            if subscriber.email.is_none() && !in_chat && !subscriber.console {
                self.fault(
                    &[Key("subscriber"), At(i), Key("name")],
                    format!("« {} » n’a aucune adresse", subscriber.name),
                    "ajoutez email = \"…\" ou console = true",
                );
            }
            if subscriber.email.is_some() && settings.email.is_none() {
                self.fault(
                    &[Key("subscriber"), At(i), Key("email")],
                    "une adresse e-mail, mais pas de serveur d’envoi".to_owned(),
                    "ajoutez un bloc [email]",
                );
            }
            if let Some(fault) = subscriber.rhythm.fault() {
                self.fault(&[Key("subscriber"), At(i), Key("rhythm")], fault, "écrivez par exemple 7");
            }
            if subscriber.matrix.is_some() && settings.matrix.is_none() {
                self.fault(
                    &[Key("subscriber"), At(i), Key("matrix")],
                    "un salon Matrix, mais pas de compte".to_owned(),
                    "ajoutez un bloc [matrix]",
                );
            }
            if subscriber.telegram.is_some() && settings.telegram.is_none() {
                self.fault(
                    &[Key("subscriber"), At(i), Key("telegram")],
                    "une conversation Telegram, mais pas de bot".to_owned(),
                    "ajoutez un bloc [telegram]",
                );
            }
            for (j, subscription) in subscriber.subscription.iter().enumerate() {
                for fault in subscription.filter.faults() {
                    let path = [Key("subscriber"), At(i), Key("subscription"), At(j), Key("filter")];
                    self.fault(&path, fault, "corrigez cette valeur, ou retirez-la");
                }
                for fault in subscription.filter.unknown_places(crate::rules::communes()) {
                    let path = [Key("subscriber"), At(i), Key("subscription"), At(j), Key("filter")];
                    let fix = "écrivez le code INSEE de la commune, le SIREN de l’intercommunalité ; `vigie subscriptions preview --around \"Lens (62) 30 km\"` les trouve";
                    self.fault(&path, fault, fix);
                }
                for slug in subscription.filter.sectors.iter().filter(|s| !rules.is_sector(s)) {
                    let near = rules.nearest_sector(slug);
                    let path = [Key("subscriber"), At(i), Key("subscription"), At(j), Key("filter"), Key("sectors")];
                    self.fault(
                        &path,
                        format!("secteur inconnu « {slug} »"),
                        &format!("vouliez-vous dire « {near} » ? `vigie subscriptions sectors` les énumère"),
                    );
                }
                for d in subscription
                    .filter
                    .departments
                    .iter()
                    .filter(|d| vigie_domain::Department::parse(d.as_str()).as_ref() != Some(d))
                {
                    let path =
                        [Key("subscriber"), At(i), Key("subscription"), At(j), Key("filter"), Key("departments")];
                    self.fault(
                        &path,
                        format!("département inconnu « {d} »"),
                        "écrivez un code INSEE, par exemple \"59\", \"2A\" ou \"974\"",
                    );
                }
            }
        }
    }

    fn http_url(&mut self, path: &[Step<'_>], text: &str) {
        let fine = url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
        if !fine {
            self.fault(
                path,
                format!("adresse « {text} » impossible"),
                "écrivez une adresse complète qui commence par https://",
            );
        }
    }

    fn fault(&mut self, path: &[Step<'_>], what: String, fix: &str) {
        let line = locate(self.text, path).map(|offset| line_of(self.text, offset));
        self.faults.push(Fault { what, file: self.file.to_owned(), line, fix: fix.to_owned() });
    }
}

/// Byte offset of the value at `path`, or of the last part of the path that stands in the file.
fn locate(text: &str, path: &[Step<'_>]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut value: Option<&DeValue<'_>> = None;
    for (i, step) in path.iter().enumerate() {
        let next = match (step, value) {
            (Step::Key(key), None) if i == 0 => table.get_ref().get(*key),
            (Step::Key(key), Some(v)) => v.as_table().and_then(|t| t.get(*key)),
            (Step::At(n), Some(v)) => v.as_array().and_then(|a| a.get(*n)),
            _ => None,
        };
        let Some(found) = next else { break };
        at = Some(found.span().start);
        value = Some(found.get_ref());
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        #[serde(default)]
        #[expect(dead_code, reason = "only its name matters here")]
        lookback_days: u32,
    }

    fn readers() -> [Reader; 2] {
        [
            Reader { name: "boamp", check: Box::new(|block| block.options::<Options>().map(drop)) },
            Reader { name: "feed", check: Box::new(|block| block.needed_url().map(drop)) },
        ]
    }

    fn faults(text: &str) -> Vec<Fault> {
        parse(text, Path::new("vigie.toml"), &readers()).expect_err("a fault was expected")
    }

    #[test]
    fn a_key_that_the_reader_does_not_know_is_refused_with_its_line() {
        let found = faults("[[source]]\nid = \"a\"\nkind = \"boamp\"\nlookback = 3\n");
        assert_eq!((found[0].line, found[0].what.as_str()), (Some(4), "clé inconnue « lookback »"));
        let found = faults("[[source]]\nid = \"a\"\nkind = \"boamp\"\nlookback_days = \"3\"\n");
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_choices() {
        let found = faults("[web]\nlisten = \"127.0.0.1:1\"\nport = 3\n");
        assert_eq!(found[0].line, Some(3));
        assert_eq!(found[0].what, "clé inconnue « port »");
        assert!(found[0].fix.contains("listen"), "{}", found[0].fix);
    }

    #[test]
    fn a_fault_of_meaning_names_its_line_too() {
        let found = faults("[[source]]\nid = \"a\"\nkind = \"feed\"\nurl = \"ftp://x\"\nschedule = \"often\"\n");
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), vec![Some(5), Some(4)]);
    }

    #[test]
    fn a_sector_that_does_not_exist_is_met_with_the_nearest_one() {
        let found = faults(
            "[[subscriber]]\nname = \"x\"\nconsole = true\n[[subscriber.subscription]]\nfilter.sectors = [\"blanchiserie\"]\n",
        );
        assert!(found[0].fix.contains("blanchisserie"), "{}", found[0].fix);
        assert_eq!(found[0].line, Some(5));
    }

    #[test]
    fn a_password_in_clear_is_refused() {
        let found = faults("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\npassword = \"hunter2\"\n");
        assert!(!found[0].to_string().contains("hunter2"), "{}", found[0]);
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn a_password_over_a_clear_connection_is_refused() {
        let found = faults("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\ntls = \"none\"\nusername = \"u\"\n");
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn syntax_errors_name_their_line() {
        assert_eq!(faults("[web]\nlisten = \n")[0].line, Some(2));
    }
}
