//! The command line in French: clap's own words, headings and errors.

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
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            e.exit()
        }
        _ => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{}", fault(&e));
            std::process::exit(2);
        }
    })
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
    let arg = match arg.get_action().takes_values() {
        true => arg.hide_default_value(true).hide_possible_values(true).hide_env(true),
        false => arg,
    };
    if help.is_empty() { arg } else { arg.help(help) }
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
            let why = std::error::Error::source(e).map(|s| format!(" : {s}")).unwrap_or_default();
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

    #[test]
    fn what_is_wrong_is_said_in_french() {
        for (line, said) in [
            (vec!["vigie", "deliverie"], "commande inconnue : deliverie"),
            (vec!["vigie", "why"], "il manque : --notice <NOTICE>, --subscriber <SUBSCRIBER>"),
            (vec!["vigie", "check", "--conect"], "argument inconnu : --conect"),
            (vec!["vigie", "run", "--role", "chef"], "« chef » ne convient pas à --role <ROLE>"),
            (vec!["vigie", "invite", "--role", "chef"], "valeur inconnue « chef »"),
        ] {
            let e = command().try_get_matches_from(line.clone()).unwrap_err();
            let text = fault(&e);
            assert!(text.contains(said) && !text.contains("error"), "{line:?}: {text}");
        }
    }
}
