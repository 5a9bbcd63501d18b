//! `vigie completions`, `vigie man`: what is made out of the command line itself, and never written by hand.

use std::path::{Path, PathBuf};

use clap_complete::Shell;
use vigie_service::Failure;

use super::french;
use super::output::print;

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Interprète de commandes
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Dossier où écrire une page par commande ; sans lui, la page principale va à l’écran
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut french::command(), "vigie", &mut script);
    print(&String::from_utf8_lossy(&script))
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let unwritable = |e: std::io::Error, path: &Path| {
        Failure::new(
            format!("page de manuel impossible à écrire : {}", vigie_domain::french::of_system(&e)),
            path.display().to_string(),
            "choisissez un dossier où vous pouvez écrire",
        )
    };
    let mut command = french::command();
    command.build();
    let Some(dir) = &args.dir else {
        let text = page(&command).map_err(|e| unwritable(e, Path::new("sortie standard")))?;
        return print(&text);
    };
    std::fs::create_dir_all(dir).map_err(|e| unwritable(e, dir))?;
    let mut open = vec![command];
    while let Some(command) = open.pop() {
        // A page is named after the whole command: vigie-sources-list.1.
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).replace(' ', "-");
        let path = dir.join(format!("{name}.1"));
        page(&command).and_then(|text| std::fs::write(&path, text)).map_err(|e| unwritable(e, &path))?;
        open.extend(command.get_subcommands().filter(|c| !c.is_hide_set()).cloned());
    }
    Ok(())
}

/// The page of one command. Its headings are clap's, in English: they are put in French, as `man-pages-fr` writes them.
fn page(command: &clap::Command) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command.clone()).manual("Manuel de Vigie").render(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.lines().map(|line| format!("{}\n", heading(line))).collect())
}

fn heading(line: &str) -> &str {
    match line {
        ".SH NAME" => ".SH NOM",
        ".SH SYNOPSIS" => ".SH SYNOPSIS",
        ".SH SUBCOMMANDS" | ".SH Commandes" => ".SH COMMANDES",
        ".SH ARGUMENTS" => ".SH ARGUMENTS",
        ".SH OPTIONS" => ".SH OPTIONS",
        ".SH VERSION" => ".SH VERSION",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn pages_are_in_french_and_each_command_has_one() {
        let dir = std::env::temp_dir().join(format!("vigie-man-{}", std::process::id()));
        man(&ManArgs { dir: Some(dir.clone()) }).unwrap();
        let main = std::fs::read_to_string(dir.join("vigie.1")).unwrap();
        assert!(main.contains(".SH NOM") && main.contains(".SH COMMANDES"), "{main}");
        for english in [".SH NAME", ".SH SUBCOMMANDS", "Print help", "[default:"] {
            assert!(!main.contains(english), "{english}");
        }
        let list = std::fs::read_to_string(dir.join("vigie-sources-list.1")).unwrap();
        assert!(list.contains("Énumère les sources"), "{list}");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut french::command(), "vigie", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("deliveries") && script.contains("subscriptions"), "{shell}");
        }
    }
}
