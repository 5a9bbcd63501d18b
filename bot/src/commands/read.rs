//! `vigie read`: the files of a consultation, read and quoted; a word looked for in them; the answer begun.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use vigie_consultation::contradiction::{Announced, contradictions};
use vigie_consultation::{Consultation, Given, Reader, answer, passages, sandbox};
use vigie_domain::{Assessment, french};
use vigie_service::consultation::words;
use vigie_service::{Clock, Failure};
use vigie_watcher::charset;
use vigie_watcher::html::plain_text;

use super::classify;
use super::output::print;

#[derive(Debug, clap::Args)]
pub(super) struct ReadArgs {
    /// Fichiers de la consultation : ZIP, PDF, DOCX, ODT, XLSX, ODS, RTF, HTML, texte
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Sortie : text (pour une personne) ou json
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Fichier de l’avis (ceux de vigie classify, ou un texte .txt) : dit ce que les pièces contredisent
    #[arg(long)]
    notice: Option<PathBuf>,
    /// Cherche des mots dans les pièces, et montre les passages
    #[arg(long)]
    find: Option<String>,
    /// Écrit dans ce fichier la réponse commencée (DOCX)
    #[arg(long)]
    answer: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Does what a child process of the reader is asked, if this process is one.
#[must_use]
pub fn child() -> Option<ExitCode> {
    sandbox::child(|bytes| plain_text(&charset::decode_xml(bytes)))
}

/// Passages shown for a word.
const SHOWN: usize = 12;

pub(super) async fn read(args: &ReadArgs) -> Result<(), Failure> {
    let mut given = Vec::new();
    for path in &args.files {
        let place = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| {
            Failure::new(
                format!("fichier illisible : {}", french::of_system(&e)),
                &place,
                "vérifiez le chemin et les droits",
            )
        })?;
        let name = path.file_name().map_or(place, |n| n.to_string_lossy().into_owned());
        given.push(Given { name, bytes });
    }
    let notice = args.notice.as_deref().map(classify::first_of).transpose()?.map(|n| Announced::read(&n));
    let failed = |e: std::io::Error| {
        Failure::new(
            format!("dossier de travail : {}", french::of_system(&e)),
            "lecture",
            "vérifiez la place et les droits du dossier temporaire",
        )
    };
    let read = Reader::open().map_err(failed)?.read(given, |_| {}).await.map_err(failed)?;
    if let Some(path) = &args.answer {
        begin_answer(&read, notice.as_ref().map(|n| &n.assessment), path)?;
    }
    if let Some(words) = &args.find {
        return print(&found(&read, words));
    }
    let against = contradictions(&read, notice.as_ref());
    let sections = words::sections(&read, &against);
    match args.output {
        Output::Text => print(&words::text(&sections)),
        Output::Json => {
            let json = serde_json::json!({ "consultation": read, "contradictions": against, "sections": sections });
            print(&format!("{json}\n"))
        }
    }?;
    if read.is_read() {
        return Ok(());
    }
    Err(Failure::new("aucun fichier n’a pu être lu", "liste ci-dessus", "donnez des fichiers d’un autre format"))
}

fn found(read: &Consultation, words: &str) -> String {
    let hits = passages::search(read, words, SHOWN);
    if hits.is_empty() {
        return format!("« {words} » : cherché dans les pièces, non trouvé\n");
    }
    hits.iter().map(|h| format!("« {} »\n    {}\n", h.quote, h.at)).collect()
}

fn begin_answer(read: &Consultation, notice: Option<&Assessment>, path: &Path) -> Result<(), Failure> {
    let subject = notice.map_or_else(
        || answer::Subject { title: "Réponse à la consultation".to_owned(), ..answer::Subject::default() },
        |n| answer::Subject { title: n.title.clone(), buyer: n.buyer.clone().unwrap_or_default(), lots: Vec::new() },
    );
    let place = path.display().to_string();
    let today = Clock::from_environment()?.now().date_naive();
    let bytes = answer::docx(read, &subject, &answer::Candidate::default(), today)
        .map_err(|e| Failure::new(e, &place, "signalez cette erreur"))?;
    std::fs::write(path, bytes).map_err(|e| {
        Failure::new(
            format!("écriture impossible : {}", french::of_system(&e)),
            &place,
            "vérifiez le dossier et les droits",
        )
    })
}
