//! `docs/commands.md`: every command with its arguments, as `--help` says them.

use clap::{Arg, Command};

use super::{cell, compare};
use crate::commands::french;

const HEAD: &str = "# Commands\n\n\
    Exit codes: 0 done, 1 failed or something is wrong, 2 wrong usage or settings. Lists take `--output json`: keys are stable, moments are RFC 3339. \
    `VIGIE_CONFIG` names the settings file, `VIGIE_LOG` the filter of the log, `VIGIE_NOW` (RFC 3339) stands still the clock; `NO_COLOR` is heeded. \
    Every command takes `--help`; `vigie man` and `vigie completions` write what `man` and shells read.\n\n<div lang=\"fr\">\n";

#[test]
fn the_page_of_commands_is_the_command_line() {
    let mut whole = french::command();
    whole.build();
    let mut out = HEAD.to_owned();
    each(&whole, "vigie", &mut out);
    out.push_str("\n</div>");
    compare("commands.md", &out);
}

fn each(command: &Command, path: &str, out: &mut String) {
    let subs: Vec<&Command> = command.get_subcommands().filter(|c| !c.is_hide_set()).collect();
    if path != "vigie" {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let depth = "#".repeat(1 + path.split(' ').count().min(3));
        out.push_str(&format!("\n{depth} `{path}`\n\n{about}.\n"));
        let shown: Vec<String> = command.get_arguments().filter(|a| !common(a)).map(row).collect();
        if !shown.is_empty() {
            out.push_str(&format!("\n| argument | ce qu’il dit |\n|---|---|\n{}\n", shown.join("\n")));
        }
    }
    for sub in subs {
        each(sub, &format!("{path} {}", sub.get_name()), out);
    }
}

/// What every command takes.
fn common(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "aide" | "version-de-vigie" | "config" | "form") || arg.is_hide_set()
}

fn row(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|n| n.first()).map(ToString::to_string).unwrap_or_default();
    let name = match (arg.get_long(), arg.get_action().takes_values()) {
        (Some(long), true) => format!("--{long} {value}"),
        (Some(long), false) => format!("--{long}"),
        (None, _) => value,
    };
    let needed = if arg.is_required_set() { " (exigé)" } else { "" };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!("| `{name}`{needed} | {} |", cell(&help))
}
