//! `vigie check`: the settings file, and with `--connect` every source and channel.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use vigie_config::settings::{Assistant as AssistantBlock, Settings, SignUpMode};
use vigie_consultation::{Reader, sandbox};
use vigie_domain::french;
use vigie_watcher::assistant::{Assistant, Doubt};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::imap::{Account, Cursor};
use vigie_watcher::sources::{Memory, readers};

use super::output::{Cell, Listing, OutputArg, print};
use crate::setup;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::outgoing_mail::open_email;
use vigie_service::{opt_in, sources};

pub(super) async fn check(path: Option<&Path>, connect: bool, output: OutputArg) -> Result<(), Failure> {
    let settings = match path {
        None => setup::default_settings(),
        Some(path) => match vigie_config::load::read(path, &readers()) {
            Ok(settings) => settings,
            Err(faults) => {
                let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
                print(&format!("{}\n", all.join("\n")))?;
                let n = faults.len();
                return Err(Failure::usage(
                    format!("{n} défaut{} de configuration", if n > 1 { "s" } else { "" }),
                    path.display().to_string(),
                    "corrigez les lignes ci-dessus",
                ));
            }
        },
    };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut faults = 0;
    let mut row = |what: &str, name: &str, outcome: Result<String, String>| {
        let (mark, text) = match outcome {
            Ok(text) => (Cell::Word("bon", "ok"), text),
            Err(text) => {
                faults += 1;
                (Cell::Word("DÉFAUT", "fault"), text)
            }
        };
        rows.push(vec![what.into(), name.into(), mark, text.into()]);
    };
    let sources = sources::enabled(&settings)?;
    row(
        "configuration",
        &path.map_or_else(|| "par défaut".to_owned(), |p| p.display().to_string()),
        Ok(format!(
            "{}, {}",
            french::plural(sources.len(), "source"),
            french::plural(settings.subscriber.len(), "destinataire")
        )),
    );
    if let Some(operator) = &settings.operator {
        row("exploitant", &operator.name, Ok(operator.in_words()));
    }
    row("base", &setup::database_name(&settings)?, database(&settings, connect).await);
    let listening = [
        ("page", Some(&settings.web.listen), "/sante"),
        ("surveillance", settings.observe.listen.as_ref(), "/healthz"),
    ];
    for (what, address, path) in listening.into_iter().filter_map(|(w, a, p)| Some((w, a?, p))) {
        row(what, address, port(address, path).await);
    }
    if let Some(secret) = &settings.web.secret {
        let length = |s: &secrecy::SecretString| vigie_config::secret::expose(s).len();
        row(
            "page",
            "[web] secret",
            match secret.read() {
                Err(e) => Err(e.to_string()),
                Ok(s) if length(&s) < vigie_service::MIN_SECRET => {
                    Err(format!("secret trop court : au moins {} caractères", vigie_service::MIN_SECRET))
                }
                Ok(_) => Ok("lisible".to_owned()),
            },
        );
    }
    row("inscription", "[sign_up]", sign_up(&settings));
    if let Some(filter) = &settings.log.filter {
        let read = tracing_subscriber::EnvFilter::try_new(filter);
        row("journaux", "[log] filter", read.map(|_| "lisible".to_owned()).map_err(|e| e.to_string()));
    }
    row("lecture des pièces", "consultations", reading());
    if let Some(email) = &settings.email {
        match open_email(&settings) {
            Err(e) => row("courriel", &email.host, Err(e.what)),
            Ok(Some(channel)) if connect => row(
                "courriel",
                &email.host,
                channel.check(settings.operator.as_ref().map(|o| o.contact.as_str())).await,
            ),
            Ok(_) => row("courriel", &email.host, Ok("réglage lisible".to_owned())),
        }
        if let Some((name, text)) = open_email(&settings).ok().flatten().and_then(|e| Some(e.signer()?.record())) {
            row("dkim", &name, Ok(format!("enregistrement TXT à publier : {text}")));
        }
    }
    if let Some(block) = &settings.judgement.assistant {
        row("assistant", &block.model, assistant(&settings, block, connect).await);
    }
    if let Some(block) = &settings.telegram {
        let (name, outcome) = telegram(block, connect).await;
        row("telegram", &name, outcome);
    }
    if connect {
        let fetcher =
            Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
        let clock = Clock::from_environment()?;
        if let Some(block) = &settings.mailbox {
            // A look at today's mails, without acting on any.
            let looked = Account::from(block).next(&fetcher, Cursor::default(), 0, clock.now()).await;
            let seen = looked
                .map(|b| format!("lue, {} du jour", french::plural(b.mails.len(), "courriel")))
                .map_err(|e| e.to_string());
            row("boîte aux lettres", &block.host, seen);
        }
        for source in &sources {
            let outcome = source.peek(&fetcher, &Memory::default(), clock.now()).await;
            row(
                "source",
                &source.block.id,
                outcome
                    .map(|p| {
                        let read = french::counted(p.notices.len(), "avis lu", "avis lus");
                        format!("{read}, {}", french::counted(p.bad.len(), "illisible", "illisibles"))
                    })
                    .map_err(|e| e.to_string()),
            );
        }
    }
    let columns = &[("what", "quoi"), ("name", "nom"), ("state", "état"), ("detail", "détail")];
    Listing { columns, rows }.print(output)?;
    if faults > 0 {
        return Err(Failure::new(
            french::plural(faults, "défaut"),
            "tableau ci-dessus",
            "corrigez-les, puis relancez vigie check --connect",
        ));
    }
    Ok(())
}

/// Who may sign up by themselves, and where.
fn sign_up(settings: &Settings) -> Result<String, String> {
    let who = match settings.sign_up.mode {
        SignUpMode::Off => return Ok("fermée : vous inscrivez ou invitez ; mode = \"open\" l’ouvre".to_owned()),
        SignUpMode::Code => "ouverte à qui a le code",
        SignUpMode::Open => "ouverte à tous",
    };
    if let Some(code) = &settings.sign_up.code {
        code.read().map_err(|e| e.to_string())?;
    }
    match settings.web.public_url.as_deref().filter(|_| opt_in::possible(settings)) {
        Some(url) => Ok(format!("{who} : {}/inscription", url.trim_end_matches('/'))),
        None => {
            Err("ouverte, mais rien ne peut être confirmé : il faut [email], et [web] public_url et secret".to_owned())
        }
    }
}

/// What files of consultations are read with. Without the converter everything but PDF is read: no fault.
fn reading() -> Result<String, String> {
    let pdf = match Reader::converter() {
        Some(path) => format!("PDF par {}", path.display()),
        None => "sans PDF : installez pdftotext (paquet poppler-utils)".to_owned(),
    };
    let fence = match sandbox::is_fenced() {
        true => "chaque fichier dans un processus sans réseau ni autre dossier (Landlock)",
        false => "ce noyau n’a pas Landlock : mémoire, temps et taille sont bornés, réseau et dossiers non",
    };
    Ok(format!("{pdf} ; {fence}"))
}

/// Whether the database can be used; without `connect` nothing is made.
async fn database(settings: &Settings, connect: bool) -> Result<String, String> {
    if connect {
        let store = setup::open_store(settings).await.map_err(|e| format!("{} ; {}", e.what, e.fix))?;
        store.close().await;
        return Ok("ouverte".to_owned());
    }
    let name = setup::database_name(settings).map_err(|e| e.what)?;
    let path = Path::new(&name);
    if name.starts_with("PostgreSQL ") {
        return Ok("non essayée : ajoutez --connect".to_owned());
    }
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.exists(), folder.is_dir()) {
        (true, _) => Ok("le fichier existe".to_owned()),
        (false, true) => Ok("sera créée au premier lancement".to_owned()),
        (false, false) => Err(format!("le dossier {} n’existe pas", folder.display())),
    }
}

/// Whether an address can be listened on: nobody does, or it is Vigie itself that runs.
async fn port(address: &str, path: &str) -> Result<String, String> {
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Ok("libre".to_owned()),
        Err(e) if e.kind() == std::io::ErrorKind::AddrInUse => match answers_as_ours(address, path).await {
            true => Ok("Vigie y répond déjà".to_owned()),
            false => Err("un autre programme écoute sur ce port : arrêtez-le, ou choisissez-en un autre".to_owned()),
        },
        Err(e) => Err(format!("écoute impossible : {}", french::of_system(&e))),
    }
}

async fn answers_as_ours(address: &str, path: &str) -> bool {
    let asked = async {
        let mut socket = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.take(4096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(2), asked).await;
    let text = answer.ok().and_then(Result::ok).map(|a| String::from_utf8_lossy(&a).into_owned()).unwrap_or_default();
    text.starts_with("HTTP/1.1 200") && (text.contains("\"ok\"") || text.ends_with("ok\n") || text.ends_with("ok"))
}

/// Whether the second reader's key can be read, and whether it answers in the shape asked for.
async fn assistant(settings: &Settings, block: &AssistantBlock, connect: bool) -> Result<String, String> {
    let assistant = Assistant::open(block).map_err(|e| e.to_string())?;
    if !connect {
        return Ok(format!("réglage lisible, {} mentions par jour au plus", block.statements_a_day));
    }
    let fetcher = Fetcher::http(&settings.fetch)?;
    let now = Clock::from_environment().map_err(|e| e.what)?.now();
    let statement = "Le titulaire réservera 120 heures de travail à des personnes éloignées de l’emploi.".to_owned();
    let answer =
        assistant.ask(&fetcher, &[Doubt { statement, lots: Vec::new() }], now).await.map_err(|e| e.to_string())?;
    Ok(match answer.first() {
        Some(Some(_)) => "répond, et a lu la mention d’essai".to_owned(),
        _ => "répond dans le format demandé, sans lire la mention d’essai".to_owned(),
    })
}

/// The bot's name, and whether its token is good.
#[cfg(feature = "telegram")]
async fn telegram(block: &vigie_config::settings::Telegram, connect: bool) -> (String, Result<String, String>) {
    let chats = match vigie_delivery::channels::telegram::Chats::open(block) {
        Err(e) => return ("[telegram]".to_owned(), Err(e.what)),
        Ok(_) if !connect => return ("[telegram]".to_owned(), Ok("réglage lisible".to_owned())),
        Ok(chats) => chats,
    };
    match chats.bot.me().await {
        Err(refusal) => ("[telegram]".to_owned(), Err(refusal.to_string())),
        Ok(me) => {
            let groups =
                if me.joins_groups { "" } else { " ; ne peut entrer dans aucun groupe (@BotFather, /setjoingroups)" };
            (format!("@{}", me.username), Ok(format!("jeton accepté{groups}")))
        }
    }
}

#[cfg(not(feature = "telegram"))]
async fn telegram(_: &vigie_config::settings::Telegram, _: bool) -> (String, Result<String, String>) {
    let what = "cette version de Vigie est construite sans Telegram".to_owned();
    ("[telegram]".to_owned(), Err(what))
}
