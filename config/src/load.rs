//! Reading the settings file. Unknown keys are refused; every fault names its line and what to do.

use std::path::Path;

use toml::de::{DeTable, DeValue};
use vigie_domain::french;

use crate::check::faults;
pub use crate::check::{Reader, source_faults};
use crate::fault::{Fault, Step, hint, of_type, translate};
use crate::in_force::Origin;
use crate::settings::Settings;

/// Reads and checks the file at `path`.
///
/// # Errors
/// The first fault of syntax, or every fault of meaning.
pub fn read(path: &Path, readers: &[Reader]) -> Result<Settings, Vec<Fault>> {
    let fault = |what: String, line: Option<usize>, fix: &str| {
        vec![Fault { what, file: path.to_owned(), line, fix: fix.to_owned() }]
    };
    let bytes = std::fs::read(path).map_err(|e| {
        let fix = "vérifiez le chemin et les droits, ou copiez vigie.example.toml";
        fault(format!("le fichier de configuration est illisible : {}", french::of_system(&e)), None, fix)
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let what = "le fichier de configuration n’est pas écrit en UTF-8".to_owned();
        fault(
            what,
            Some(line),
            "enregistrez-le en UTF-8 (ni UTF-16, ni Latin-1) : votre éditeur le propose à l’enregistrement",
        )
    })?;
    parse(text.strip_prefix('\u{feff}').unwrap_or(&text), path, readers)
}

/// Reads and checks `text`, which stands in `file`. `readers` are the kinds of source this build knows.
///
/// # Errors
/// The first fault of syntax, or every fault of meaning.
pub fn parse(text: &str, file: &Path, readers: &[Reader]) -> Result<Settings, Vec<Fault>> {
    let settings: Settings = toml::from_str(text).map_err(|e| {
        let line = e.span().map(|s| line_of(text, s.start));
        let key = line.and_then(|n| key_on(text, n)).unwrap_or("cette clé");
        let (what, fix) = of_type(e.message(), key).unwrap_or_else(|| (translate(e.message()), hint(e.message())));
        vec![Fault { what, file: file.to_owned(), line, fix }]
    })?;
    let faults: Vec<Fault> = faults(&settings, readers)
        .into_iter()
        .map(|fault| {
            let line = locate(text, &fault.path).map(|offset| line_of(text, offset));
            Fault { what: fault.what, file: file.to_owned(), line, fix: fault.fix }
        })
        .collect();
    if faults.is_empty() {
        let origin = Origin { file: file.to_owned(), text: text.into() };
        Ok(beside(Settings { origin, ..settings }, file))
    } else {
        Err(faults)
    }
}

/// A database named without a folder stands beside the settings file: whoever reads that file, from wherever, means the same one.
fn beside(mut settings: Settings, file: &Path) -> Settings {
    let relative = settings.store.url.as_deref().and_then(|u| u.strip_prefix("sqlite:")).map(Path::new);
    if let Some(path) = relative.filter(|p| p.is_relative() && !p.as_os_str().is_empty()) {
        let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let whole = std::path::absolute(folder.join(path)).unwrap_or_else(|_| folder.join(path));
        settings.store.url = Some(format!("sqlite:{}", whole.display()));
    }
    settings
}

pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

/// The key that is given its value on that line, from 1.
fn key_on(text: &str, line: usize) -> Option<&str> {
    let (key, _) = text.lines().nth(line - 1)?.split_once('=')?;
    Some(key.trim().trim_matches('"')).filter(|k| !k.is_empty())
}

/// Byte offset of the value at `path`, or of the last part of the path that stands in the file.
fn locate(text: &str, path: &[Step]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut value: Option<&DeValue<'_>> = None;
    for (i, step) in path.iter().enumerate() {
        let next = match (step, value) {
            (Step::Key(key), None) if i == 0 => table.get_ref().get(key.as_str()),
            (Step::Key(key), Some(v)) => v.as_table().and_then(|t| t.get(key.as_str())),
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

    fn refused(text: &str) -> Vec<Fault> {
        parse(text, Path::new("vigie.toml"), &readers()).expect_err("a fault was expected")
    }

    #[test]
    fn a_key_that_the_reader_does_not_know_is_refused_with_its_line() {
        let found = refused("[[source]]\nid = \"a\"\nkind = \"boamp\"\nlookback = 3\n");
        assert_eq!((found[0].line, found[0].what.as_str()), (Some(4), "clé inconnue « lookback »"));
        let found = refused("[[source]]\nid = \"a\"\nkind = \"boamp\"\nlookback_days = \"3\"\n");
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_choices() {
        let found = refused("[web]\nlisten = \"127.0.0.1:1\"\nport = 3\n");
        assert_eq!(found[0].line, Some(3));
        assert_eq!(found[0].what, "clé inconnue « port »");
        assert!(found[0].fix.contains("listen"), "{}", found[0].fix);
    }

    #[test]
    fn a_fault_of_meaning_names_its_line_too() {
        let found = refused("[[source]]\nid = \"a\"\nkind = \"feed\"\nurl = \"ftp://x\"\nschedule = \"often\"\n");
        assert_eq!(found.iter().map(|f| f.line).collect::<Vec<_>>(), vec![Some(5), Some(4)]);
    }

    #[test]
    fn a_sector_that_does_not_exist_is_met_with_the_nearest_one() {
        let found = refused(
            "[[subscriber]]\nname = \"x\"\nconsole = true\n[[subscriber.subscription]]\nfilter.sectors = [\"blanchiserie\"]\n",
        );
        assert!(found[0].fix.contains("blanchisserie"), "{}", found[0].fix);
        assert_eq!(found[0].line, Some(5));
    }

    #[test]
    fn a_password_in_clear_is_refused() {
        let found = refused("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\npassword = \"hunter2\"\n");
        assert!(!found[0].to_string().contains("hunter2"), "{}", found[0]);
        assert_eq!(found[0].line, Some(4));
    }

    /// What is compared is written as it is compared, or refused.
    #[test]
    fn a_number_that_is_none_is_refused() {
        let person = |siret: &str| format!("[[subscriber]]\nname = \"A\"\nconsole = true\nsiret = \"{siret}\"\n");
        for siret in ["123", "356 000 000 09075", "3560000000907X", ""] {
            let found = refused(&person(siret));
            assert!(found[0].what.contains("SIRET"), "{siret}: {found:?}");
        }
        assert!(parse(&person("35600000009075"), Path::new("v.toml"), &[]).is_ok());
        for proxies in ["\"*\"", "\"10.0.0.0/33\"", "\"127.0.0.1\", \"proxy\"", "\"::1/129\""] {
            let found = refused(&format!("[web]\ntrusted_proxies = [{proxies}]\n"));
            assert!(found[0].what.contains("ni une adresse"), "{proxies}: {found:?}");
        }
    }

    /// What could never work is said before anything is tried.
    #[test]
    fn numbers_with_which_nothing_works_are_refused() {
        let operator = "[operator]\nname = \"A\"\ncontact = \"a@b.fr\"\norganisation = \"B\"\n";
        let email = |more: &str| format!("{operator}[email]\nfrom = \"a@b.fr\"\n{more}\n");
        for text in [
            "[fetch]\ntimeout_s = 0\n".to_owned(),
            "[fetch]\nmax_body_mib = 0\n".to_owned(),
            "[fetch]\nuser_agent = \"A\\r\\nX: y\"\n".to_owned(),
            email("host = \"h\"\nport = 0"),
            email("host = \"h\"\nconnections = 0"),
            email("host = \"h\"\ntimeout_s = 0"),
            email("host = \"\""),
        ] {
            let found = refused(&text);
            let said = ["hors limites", "pas de serveur", "ne peut pas être envoyé"];
            assert!(found.iter().any(|f| said.iter().any(|w| f.what.contains(w))), "{text}: {found:?}");
        }
        let person = |name: &str, email: &str| format!("[[subscriber]]\nname = \"{name}\"\nemail = \"{email}\"\n");
        let both = person("A", "jeanne@x.example") + &person("B", "Jeanne@X.Example");
        let found = refused(&format!("{}{both}", email("host = \"h\"")));
        assert!(found[0].what.contains("déjà celle de « A »"), "{found:?}");
    }

    /// Addresses stand in logs, lists and alarms.
    #[test]
    fn an_account_in_an_address_is_refused_and_not_repeated() {
        let source = |url: &str| format!("[[source]]\nid = \"s\"\nkind = \"feed\"\nurl = \"{url}\"\n");
        let email = "[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\n";
        for text in [
            source("http://moi:SECRETPW@host/f"),
            source("https://SECRETPW@host/f"),
            source("http://moi:SECRETPW@"),
            "[web]\npublic_url = \"https://moi:SECRETPW@host\"\n".to_owned(),
            "[observe]\nheartbeat_url = \"https://moi:SECRETPW@host/x\"\n".to_owned(),
            format!("{email}[telegram]\ntoken = {{ env = \"T\" }}\napi_url = \"https://moi:SECRETPW@host\"\n"),
        ] {
            let found = refused(&text);
            assert!(!found.iter().any(|f| f.to_string().contains("SECRETPW")), "{found:?}");
        }
    }

    #[test]
    fn an_address_that_would_break_every_link_is_refused() {
        for (url, says) in [
            ("https://outils.exemple.fr/vigie", "racine"),
            ("https://v.fr?x=1", "racine"),
            ("https://v.fr/#a", "racine"),
            (" https://v.fr ", "https://v.fr"),
            ("https://vigie.société.fr", "https://vigie.xn--socit-esab.fr"),
        ] {
            let text = format!("[web]\npublic_url = \"{url}\"\nsecret = {{ env = \"S\" }}\n");
            let found = refused(&text);
            assert!(found.iter().any(|f| f.to_string().contains(says)), "{url}: {found:?}");
        }
    }

    #[test]
    fn a_password_over_a_clear_connection_is_refused() {
        let found = refused("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\ntls = \"none\"\nusername = \"u\"\n");
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn a_value_of_another_type_is_met_with_its_key_and_what_to_write() {
        let found = refused("[pace]\ninstant_per_hour = \"12\"\n");
        assert_eq!(found[0].line, Some(2));
        assert_eq!(found[0].what, "« instant_per_hour » : un nombre de 0 à 4294967295 est attendu, « 12 » est écrit");
        assert_eq!(found[0].fix, "écrivez instant_per_hour = 12, sans guillemets");
        for (text, said) in [
            ("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\nport = \"28025\"\n", "port = 28025"),
            (
                "[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\nport = \"abc\"\n",
                "un nombre de 1 à 65535 est attendu, « abc » est écrit",
            ),
            (
                "[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\nport = 70000\n",
                "de 1 à 65535 est attendu, « 70000 » est écrit",
            ),
            ("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\nport = true\n", "de 1 à 65535 est attendu, « true » est écrit"),
            ("[backup]\nhour = [3]\n", "un nombre de 0 à 23 est attendu, une liste est écrit"),
            ("[log]\njson = \"oui\"\n", "voyez json"),
            ("[fetch]\nallow_private = \"10.0.0.0/8\"\n", "voyez allow_private"),
            ("[pace]\ndigest_hour = 800\n", "un nombre de 0 à 23 est attendu, « 800 » est écrit"),
        ] {
            let found = refused(text);
            let whole = found[0].to_string();
            assert!(whole.contains(said) && !whole.contains("invalid") && !whole.contains("expected"), "{whole}");
        }
    }

    /// U11: nobody knew who ran the installation that wrote to them.
    #[test]
    fn what_writes_to_people_says_who_runs_it() {
        let email = "[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\n";
        let found = refused(email);
        assert!(found[0].what.contains("qui la tient") && found[0].fix.contains("[operator]"), "{}", found[0]);
        let operator = |contact: &str| {
            format!("{email}[operator]\nname = \"H. Martin\"\ncontact = \"{contact}\"\norganisation = \"PLIE\"\n")
        };
        assert_eq!(refused(&operator("demandez-moi"))[0].line, Some(6));
        for contact in ["h@plie.fr", "03 20 00 00 00", "https://plie.fr/contact"] {
            assert!(parse(&operator(contact), Path::new("vigie.toml"), &readers()).is_ok(), "{contact}");
        }
        assert!(parse("[web]\nlisten = \"127.0.0.1:1\"\n", Path::new("v"), &readers()).is_ok(), "a console needs none");
    }

    /// B12, B16, B38: what would lead elsewhere, never come, or answer for something else.
    #[test]
    fn names_schedules_and_addresses_that_cannot_serve_are_refused() {
        let source = |id: &str, schedule: &str| {
            format!("[[source]]\nid = \"{id}\"\nkind = \"boamp\"\nschedule = \"{schedule}\"\n")
        };
        let good = "0 */20 * * * *";
        for (text, says) in [
            (source(".", good), "impossible"),
            (source("..", good), "impossible"),
            (source("a", "0 0 0 31 2 *"), "jamais"),
            (source("a", "0 0 0 1 1 * 2020"), "jamais"),
            (source("a", "0 0 25 * * *"), "heures (0 à 23)"),
            (source("a", "0 */0 * * * *"), "secondes (0 à 59)"),
            ("[observe]\nheartbeat_url = \"file:///etc/passwd\"\n".to_owned(), "https://"),
            ("[web]\nlisten = \"127.0.0.1:9464\"\n[observe]\nlisten = \"0.0.0.0:9464\"\n".to_owned(), "deux ports"),
            ("[store]\nurl = \"sqlite::memory:\"\n".to_owned(), "mémoire"),
        ] {
            let found = refused(&text);
            assert!(found.iter().any(|f| f.to_string().contains(says)), "{text}: {found:?}");
        }
        for text in [
            source("a.b", good),
            source("a", "0 0 8 29 2 *"),
            "[web]\nlisten = \"127.0.0.1:0\"\n[observe]\nlisten = \"127.0.0.1:0\"\n".to_owned(),
        ] {
            assert!(parse(&text, Path::new("v"), &readers()).is_ok(), "{text}");
        }
    }

    /// B14: faults of writing are said in French.
    #[test]
    fn no_fault_of_writing_is_told_in_english() {
        for (text, says) in [
            ("a = 1\na = 2\n", "déjà écrite plus haut"),
            ("[web]\nlisten = \"127.0.0.1:1\n", "guillemet"),
            ("[web\nlisten = 1\n", "crochet"),
            ("[web]\nlisten =\n", ""),
            ("[web]\nlisten = a b\n", ""),
            ("[web]\nlisten = [1, 2\n", ""),
            ("[web]\nlisten = { a = 1\n", ""),
            ("[web]\nlisten = \"\\q\"\n", ""),
            ("[[source]]\nid = 'a'\nkind = 'boamp'\nlookback = 01\n", ""),
        ] {
            let found = refused(text);
            let whole = found[0].to_string();
            let english = ["expected", "invalid", "duplicate", "missing", "unclosed", "must", "found", "string"];
            assert!(whole.contains("erreur de syntaxe") && whole.contains(says), "{text}: {whole}");
            assert!(!english.iter().any(|w| whole.contains(w)), "{text}: {whole}");
        }
    }

    /// B38: a file in another encoding was said to have a wrong path.
    #[test]
    fn a_file_in_another_encoding_is_said_to_be() {
        let folder = std::env::temp_dir().join(format!("vigie-encodings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("v.toml");
        let utf16: Vec<u8> = "\u{feff}[web]\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, line) in [(utf16, 1), (b"[operator]\nname = \"H\xe9l\xe8ne\"\n".to_vec(), 2)] {
            std::fs::write(&file, bytes).unwrap();
            let found = read(&file, &readers()).expect_err("a fault was expected");
            assert!(found[0].what.contains("UTF-8") && found[0].line == Some(line), "{found:?}");
        }
        std::fs::write(&file, "\u{feff}[web]\nlisten = \"127.0.0.1:1\"\n").unwrap();
        assert!(read(&file, &readers()).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// U7: the service and the command line used two databases.
    #[test]
    fn a_database_without_a_folder_stands_beside_the_settings_file_wherever_it_is_read_from() {
        let read = |url: &str, file: &str| {
            let text = format!("[store]\nurl = \"{url}\"\n");
            parse(&text, Path::new(file), &readers()).unwrap().store.url.unwrap()
        };
        assert_eq!(read("sqlite:vigie.sqlite", "/etc/vigie/vigie.toml"), "sqlite:/etc/vigie/vigie.sqlite");
        assert_eq!(read("sqlite:/var/lib/v.sqlite", "/etc/vigie/vigie.toml"), "sqlite:/var/lib/v.sqlite");
        let here = std::env::current_dir().unwrap();
        assert_eq!(read("sqlite:v.sqlite", "vigie.toml"), format!("sqlite:{}", here.join("v.sqlite").display()));
        assert_eq!(read("postgres://u@h/b", "vigie.toml"), "postgres://u@h/b");
    }

    #[test]
    fn syntax_errors_name_their_line() {
        assert_eq!(refused("[web]\nlisten = \n")[0].line, Some(2));
    }
}
