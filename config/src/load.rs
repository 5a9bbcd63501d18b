//! Reading the settings file. Unknown keys are refused; every fault names its line and what to do.

use std::path::Path;

use toml::de::{DeTable, DeValue};

pub use crate::check::Reader;
use crate::check::faults;
use crate::fault::{Fault, Step, hint, translate};
use crate::settings::Settings;

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
    let faults: Vec<Fault> = faults(&settings, readers)
        .into_iter()
        .map(|fault| {
            let line = locate(text, &fault.path).map(|offset| line_of(text, offset));
            Fault { what: fault.what, file: file.to_owned(), line, fix: fault.fix }
        })
        .collect();
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
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
        let email = |more: &str| format!("[email]\nfrom = \"a@b.fr\"\n{more}\n");
        for text in [
            "[fetch]\ntimeout_s = 0\n".to_owned(),
            "[fetch]\nmax_body_mib = 0\n".to_owned(),
            "[fetch]\nuser_agent = \"A\\r\\nX: y\"\n".to_owned(),
            email("host = \"h\"\nport = 0"),
            email("host = \"h\"\nconnections = 0"),
            email("host = \"h\"\ntimeout_s = 0"),
            email("host = \"\""),
        ] {
            assert_eq!(refused(&text).len(), 1, "{text}");
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
    fn a_password_over_a_clear_connection_is_refused() {
        let found = refused("[email]\nhost = \"h\"\nfrom = \"a@b.fr\"\ntls = \"none\"\nusername = \"u\"\n");
        assert_eq!(found[0].line, Some(4));
    }

    #[test]
    fn syntax_errors_name_their_line() {
        assert_eq!(refused("[web]\nlisten = \n")[0].line, Some(2));
    }
}
