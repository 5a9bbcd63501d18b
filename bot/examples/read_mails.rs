//! Reads a folder of mails as the mailbox does, and says on a line each what it would be taken for: to score a set of labelled
//! mails. `cargo run --package vigie --example read_mails -- FOLDER SENDER` (the address that messages come from).

use std::error::Error;
use std::io::Write as _;

use vigie_bot::roles::mailbox::read::{self, Mail, Verdict};
use vigie_bot::roles::mailbox::words::Answer;
use vigie_domain::Stage;
use vigie_notifier::channels::email::Email;
use vigie_service::answers::action::{self, Action};

/// The meaning of an answer, and what it holds.
fn meaning(answer: &Answer) -> (&'static str, String) {
    let word = match answer {
        Answer::Stop => return ("stop", String::new()),
        Answer::Unclear => return ("human", String::new()),
        Answer::Word(word) if word.starts_with("/transmettre") => return ("forward", word.clone()),
        Answer::Word(word) => word,
    };
    match action::words(word).map(|act| act.action) {
        Some(Action::Stage(Stage::Go | Stage::Preparing)) => ("go", word.clone()),
        Some(Action::Stage(Stage::NoGo | Stage::Abandoned)) => ("no", word.clone()),
        Some(Action::Because(reason)) => ("no", reason.in_french().to_owned()),
        Some(Action::Remind(_) | Action::RemindOn(_) | Action::More) => ("look", word.clone()),
        Some(Action::Note(note)) => ("note", note),
        Some(Action::Assign(name) | Action::GoWith(name)) => ("go", format!("pour {name}")),
        Some(Action::Stage(_) | Action::Narrow(_) | Action::Offer(_))
        | Some(Action::Position(_) | Action::Positions(_)) => ("other", word.clone()),
        None => ("human", word.clone()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let (folder, sender) = (given.next().ok_or("a folder")?, given.next().ok_or("an address")?);
    let block = toml::from_str(&format!("host = 'localhost'\nfrom = '{sender}'"))?;
    let email = Email::new(&block, None)?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.sort();
    let mut out = std::io::stdout().lock();
    for path in files {
        let (meaning, what) = match read::read(&std::fs::read(&path)?, &email) {
            Mail::Reply(reply) => meaning(&reply.answer),
            Mail::Automatic => ("auto", String::new()),
            Mail::Report(report) => (
                match report.verdict {
                    Verdict::Hard => "hard",
                    Verdict::Soft => "soft",
                    Verdict::Fine => "fine",
                },
                report.recipients.join(","),
            ),
            Mail::PassedOn(passed) => ("lead", passed.subject),
            Mail::Complaint(_) => ("stop", String::new()),
            Mail::Other => ("human", String::new()),
            Mail::Unreadable(why) => ("unreadable", why.to_owned()),
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(out, "{name}\t{meaning}\t{}", what.replace(['\t', '\n'], " "))?;
    }
    Ok(())
}
