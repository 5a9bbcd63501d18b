//! The command line in French: clap's own words, headings and errors.

use std::io::{IsTerminal, Write};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};

use super::Cli;

/// How help is laid out.
const TEMPLATE: &str = "{about-with-newline}\nUtilisation : {usage}\n\n{all-args}{after-help}";

/// Reads the command line; prints help or what is wrong in French, and ends the process where nothing is left to run.
#[must_use]
pub fn parse() -> Cli {
    let read = command().try_get_matches().and_then(|m| Cli::from_arg_matches(&m));
    read.unwrap_or_else(|e| match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let text = help(&e.render());
            // A reader that has gone away is no failure of ours.
            let _ = match e.use_stderr() {
                true => std::io::stderr().write_all(text.as_bytes()),
                false => std::io::stdout().write_all(text.as_bytes()),
            };
            std::process::exit(e.exit_code());
        }
        ErrorKind::DisplayVersion => e.exit(),
        _ => {
            let _ = writeln!(std::io::stderr(), "{}", fault(&e));
            std::process::exit(2);
        }
    })
}

/// Help as it is shown: with colours on a terminal alone, and a space before the colon of its headings, which clap writes as in English.
fn help(rendered: &StyledStr) -> String {
    let plain = !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let mut text = if plain { rendered.to_string() } else { rendered.ansi().to_string() };
    for heading in ["Commandes", "Options", "Arguments"] {
        text = text.replace(&format!("{heading}:"), &format!("{heading}\u{a0}:"));
    }
    text
}

/// The command line, its words in French.
pub(crate) fn command() -> Command {
    in_french(Cli::command())
}

fn in_french(command: Command) -> Command {
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("Commandes")
        .subcommand_value_name("COMMANDE")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .arg(Arg::new("aide").short('h').long("help").action(ArgAction::Help).help("Affiche cette aide"))
        .mut_args(argument);
    if command.get_version().is_some() {
        let version = Arg::new("version-de-vigie").short('V').long("version").action(ArgAction::Version);
        command = command.disable_version_flag(true).arg(version.help("Affiche la version"));
    }
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, in_french);
    }
    command
}

/// What clap would add to the help of an argument in English, in French.
fn argument(arg: Arg) -> Arg {
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.is_empty()).collect();
    let values: Vec<String> = match arg.get_action().takes_values() {
        true => arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect(),
        false => Vec::new(),
    };
    let mut help = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
    if !values.is_empty() {
        help.push_str(&format!(" [au choix : {}]", values.join(", ")));
    }
    if !defaults.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" [par défaut : {}]", defaults.join(",")));
    }
    if let Some(variable) = arg.get_env() {
        help.push_str(&format!(" [ou la variable {}]", variable.to_string_lossy()));
    }
    let arg = match (arg.get_action().takes_values(), value_name(arg.get_id().as_str())) {
        (true, Some(name)) => arg.value_name(name),
        _ => arg,
    };
    let arg = match arg.get_action().takes_values() {
        true => arg.hide_default_value(true).hide_possible_values(true).hide_env(true),
        false => arg,
    };
    if help.is_empty() { arg } else { arg.help(help) }
}

/// What stands for the value of an argument in help and errors.
fn value_name(id: &str) -> Option<&'static str> {
    Some(match id {
        "answer"
        | "attach"
        | "config"
        | "file"
        | "files"
        | "key_file"
        | "mail_password_file"
        | "database_password_file" => "FICHIER",
        "dir" | "to" | "backup" => "DOSSIER",
        "listen" | "web" | "resolver" | "email" | "url" | "public_url" | "mail_from" | "operator_email"
        | "database" => "ADRESSE",
        "mail_host" => "SERVEUR",
        "mail_port" => "PORT",
        "mail_user" => "COMPTE",
        "mail_tls" => "PROTECTION",
        "subscriber" | "by" | "whom" => "PERSONNE",
        "operator_name" => "NOM",
        "organisation" => "ORGANISATION",
        "notice" | "of" => "AVIS",
        "id" | "ids" | "names" => "IDENTIFIANT",
        "name" | "title" | "network" | "holders" => "NOM",
        "source" => "SOURCE",
        "siret" | "buyer" | "holder" | "buyer_siret" | "holder_sirets" | "buyers" | "excluded_buyers" => "SIRET",
        "state" => "ÉTAT",
        "limit" | "days" | "keep" | "months" | "per_hour" | "min_score" | "min_lead_days" | "hours" => "NOMBRE",
        "amount" | "min_amount" | "max_amount" => "EUROS",
        "percent" => "POURCENT",
        "role" => "RÔLE",
        "scopes" => "DROIT",
        "cadence" => "RYTHME",
        "kind" | "notice_kinds" | "buyer_types" | "buyer_kind" => "NATURE",
        "sectors" => "SECTEUR",
        "departments" => "DÉPARTEMENT",
        "sign_up" => "QUI",
        "epcis" => "INTERCOMMUNALITÉ",
        "places" => "COMMUNE",
        "around" => "RAYON",
        "cpv" => "CPV",
        "provisions" | "provision" => "DISPOSITION",
        "find" | "words" | "excluded_words" | "clause" => "MOT",
        "supply_modes" => "MODE",
        "digest_days" => "JOURS",
        "digest_hour" => "HEURE",
        "quiet" => "HEURES",
        "deadline" | "notified" | "starts" | "ends" | "until" | "published_until" | "terminated" => "DATE",
        "text" | "note" | "quote" => "TEXTE",
        "format" | "form" | "output" => "FORME",
        "what" => "ANNUAIRE",
        "lot" | "lots" => "LOT",
        "beneficiary" => "PUBLIC",
        "shell" => "INTERPRÈTE",
        _ => return None,
    })
}

/// What a number that cannot be read is refused for: the reasons of the standard library and of clap, in French.
fn number_fault(reason: &str) -> Option<String> {
    if let Some((_, range)) = reason.split_once(" is not in ") {
        let (least, most) = range.split_once("..=").or_else(|| range.split_once(".."))?;
        return Some(format!("un nombre de {least} à {most} est attendu"));
    }
    Some(match reason {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "un nombre entier est attendu".to_owned()
        }
        "invalid float literal" | "cannot parse float from empty string" => "un nombre est attendu".to_owned(),
        r if r.starts_with("number too ") => "ce nombre est trop grand ou trop petit".to_owned(),
        _ => return None,
    })
}

/// What is wrong with a command line, in a sentence and what to do.
fn fault(e: &clap::Error) -> String {
    let of = |kind: ContextKind| -> String {
        match e.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            Some(ContextValue::Strings(texts)) => texts.join(", "),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    };
    let argument = of(ContextKind::InvalidArg);
    let said = match e.kind() {
        ErrorKind::UnknownArgument => format!("argument inconnu : {argument}"),
        ErrorKind::InvalidSubcommand => format!("commande inconnue : {}", of(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand => "il manque une commande".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("il manque : {argument}"),
        ErrorKind::ArgumentConflict => {
            format!("{argument} ne va pas avec {}", of(ContextKind::PriorArg))
        }
        ErrorKind::InvalidValue if of(ContextKind::InvalidValue).is_empty() => format!("{argument} attend une valeur"),
        ErrorKind::InvalidValue => {
            let known = of(ContextKind::ValidValue);
            let known = if known.is_empty() { known } else { format!(" ; au choix : {known}") };
            format!("« {} » ne convient pas à {argument}{known}", of(ContextKind::InvalidValue))
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(e).map(ToString::to_string);
            let reason = reason.map(|r| number_fault(&r).unwrap_or(r));
            let why = reason.map(|r| format!(" : {r}")).unwrap_or_default();
            format!("« {} » ne convient pas à {argument}{why}", of(ContextKind::InvalidValue))
        }
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("{argument} n’attend pas ce nombre de valeurs")
        }
        _ => "cette ligne de commande n’est pas comprise".to_owned(),
    };
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let near = near.into_iter().map(of).find(|n| !n.is_empty()).map(|n| format!("vouliez-vous dire {n} ? "));
    format!(
        "{said}\n  où : ligne de commande\n  que faire : {}ajoutez --help pour voir ce que la commande attend",
        near.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_help_holds_words_of_clap() {
        fn walk(command: &mut Command, path: &str, faults: &mut Vec<String>) {
            let help = command.render_long_help().to_string();
            let english =
                ["Usage:", "Commands:", "Print help", "Print version", "[default:", "[possible values:", "[env:"];
            faults.extend(english.iter().filter(|w| help.contains(*w)).map(|w| format!("{path}: {w}\n{help}")));
            let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
            for name in names {
                if let Some(sub) = command.find_subcommand_mut(&name) {
                    walk(sub, &format!("{path} {name}"), faults);
                }
            }
        }
        let mut command = command();
        command.build();
        let mut faults = Vec::new();
        walk(&mut command, "vigie", &mut faults);
        assert!(faults.is_empty(), "{}", faults.join("\n---\n"));
    }

    /// What each command of the tree holds, by its path.
    fn each(command: &Command, path: &str, look: &mut impl FnMut(&str, &Command)) {
        look(path, command);
        for sub in command.get_subcommands() {
            each(sub, &format!("{path} {}", sub.get_name()), look);
        }
    }

    #[test]
    fn every_value_has_a_french_name_and_every_command_and_argument_a_help() {
        let mut command = command();
        command.build();
        let mut faults = Vec::new();
        each(&command, "vigie", &mut |path, command| {
            if command.get_about().is_none() {
                faults.push(format!("{path} has no help"));
            }
            for arg in command.get_arguments() {
                if arg.get_action().takes_values() && value_name(arg.get_id().as_str()).is_none() {
                    faults.push(format!("{path}: {} has no French name", arg.get_id()));
                }
                if arg.get_help().is_none_or(|help| help.to_string().is_empty()) {
                    faults.push(format!("{path}: {} has no help", arg.get_id()));
                }
            }
        });
        assert!(faults.is_empty(), "{faults:#?}");
    }

    /// A document that names a command or an option that does not exist sends its reader nowhere.
    #[test]
    fn every_command_that_the_documents_show_exists() {
        let spans = regex::Regex::new(r"`(?:sudo )?vigie ([^`]+)`|(?m)^(?:sudo )?vigie ([^#\n]+)").unwrap();
        let word = regex::Regex::new(r"^[a-z][a-z-]+$").unwrap();
        let flag = regex::Regex::new(r"--([a-z][a-z-]+)").unwrap();
        let mut whole = command();
        whole.build();
        let (mut seen, mut faults) = (0, Vec::new());
        for (file, text) in [
            ("README.md", include_str!("../../../README.md")),
            ("operator.md", include_str!("../../../docs/operator.md")),
            ("guide.md", include_str!("../../../docs/guide.md")),
            ("rgpd.md", include_str!("../../../docs/rgpd.md")),
            ("add-a-source.md", include_str!("../../../docs/add-a-source.md")),
            ("quick-start.md", include_str!("../../../docs/quick-start.md")),
            ("recipes.md", include_str!("../../../docs/recipes.md")),
            ("SECURITY.md", include_str!("../../../SECURITY.md")),
        ] {
            for found in spans.captures_iter(text) {
                let line = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
                let words: Vec<&str> = line.split(&[' ', '\n'][..]).filter(|w| !w.is_empty()).collect();
                let mut at = &whole;
                for given in words.iter().take_while(|w| word.is_match(w)) {
                    match at.find_subcommand(given) {
                        Some(sub) => at = sub,
                        None if at.get_subcommands().next().is_some() && at.get_positionals().next().is_none() => {
                            faults.push(format!("{file}: vigie {line}: no command {given}"));
                            break;
                        }
                        None => break,
                    }
                }
                seen += 1;
                // A line that names several commands between bars or brackets is read by people.
                if line.contains(['|', '[']) {
                    continue;
                }
                for given in flag.captures_iter(line) {
                    let known = at.get_arguments().any(|a| a.get_long() == Some(&given[1]));
                    if !known {
                        faults.push(format!("{file}: vigie {line}: no option --{}", &given[1]));
                    }
                }
            }
        }
        assert!(seen > 60, "only {seen} commands were found");
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn every_listing_can_be_read_by_a_program() {
        let mut command = command();
        command.build();
        let mut without = Vec::new();
        each(&command, "vigie", &mut |path, command| {
            let lists = ["list", "claims", "sectors", "held", "doctor", "check", "why", "explain", "show", "test"];
            let named = lists.iter().any(|l| path.ends_with(&format!(" {l}")));
            if named && path != "vigie contracts show" && !command.get_arguments().any(|a| a.get_id() == "form") {
                without.push(path.to_owned());
            }
        });
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn what_is_wrong_is_said_in_french() {
        for (line, said) in [
            (vec!["vigie", "deliverie"], "commande inconnue : deliverie"),
            (vec!["vigie", "why"], "il manque : --notice <AVIS>, --subscriber <PERSONNE>"),
            (vec!["vigie", "deliveries", "list", "--limit", "dix"], "un nombre entier est attendu"),
            (vec!["vigie", "deliveries", "list", "--limit", "0"], "un nombre de 1 à 100000 est attendu"),
            (vec!["vigie", "subscriptions", "preview", "--min-score", "300"], "un nombre de 0 à 100 est attendu"),
            (vec!["vigie", "check", "--conect"], "argument inconnu : --conect"),
            (vec!["vigie", "run", "--role", "chef"], "« chef » ne convient pas à --role <RÔLE>"),
            (vec!["vigie", "invite", "--role", "chef"], "valeur inconnue « chef »"),
        ] {
            let e = command().try_get_matches_from(line.clone()).unwrap_err();
            let text = fault(&e);
            assert!(text.contains(said) && !text.contains("error"), "{line:?}: {text}");
        }
    }
}
