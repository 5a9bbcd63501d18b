//! `vigie init`: an installation is set up, by questions, by flags, or on a page of this machine.
//!
//! Invariants: nothing that is there is written over; what is written is read back by the program itself before it counts; a mail server
//! that refuses leaves nothing behind. Run again with the same answers, it adds what is missing and changes nothing else.

mod answers;
mod file;
mod page;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use vigie_config::settings::{Settings, SignUpMode, Tls};
use vigie_delivery::worker;
use vigie_domain::Permission;
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::outgoing_mail::open_email;
use vigie_service::{Clock, Failure, sign_in};
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::sources::readers;

use super::output::print;
use super::{ask, config_arg};
use crate::setup::{self, App};

/// Bytes of a key that is drawn.
const KEY_BYTES: usize = 32;
/// The secret that is the code of those who sign themselves up, in the folder of secrets.
const SIGN_UP_CODE: &str = "inscription";
/// Letters and digits of that code: people copy it by hand, so that none is taken for another.
const CODE_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH: usize = 8;

#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Dossier du fichier de configuration et des secrets [par défaut : /etc/vigie s’il est là, sinon le dossier courant]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Pose les questions sur une page de cette machine plutôt qu’ici ; l’adresse est celle de la boucle locale
    #[arg(long, num_args = 0..=1, default_missing_value = page::LISTEN)]
    web: Option<String>,
    /// Base de données : sqlite:CHEMIN ou postgres://utilisateur@hôte/base
    #[arg(long)]
    database: Option<String>,
    /// Fichier qui contient le mot de passe de la base PostgreSQL
    #[arg(long)]
    database_password_file: Option<PathBuf>,
    /// Serveur d’envoi des courriels
    #[arg(long)]
    mail_host: Option<String>,
    /// Son port ; sans lui, celui de sa protection (587, 465 ou 25)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    mail_port: Option<u16>,
    /// Protection de la connexion : starttls, implicit (dès le premier octet) ou none (relais de cette machine)
    #[arg(long, value_parser = super::output::parse_word::<Tls>)]
    mail_tls: Option<Tls>,
    /// Compte, si le serveur en demande un
    #[arg(long)]
    mail_user: Option<String>,
    /// Fichier qui contient le mot de passe du compte
    #[arg(long)]
    mail_password_file: Option<PathBuf>,
    /// Adresse d’où partent les messages
    #[arg(long)]
    mail_from: Option<String>,
    /// N’essaie pas le serveur d’envoi, et n’envoie rien
    #[arg(long)]
    skip_mail_check: bool,
    /// Adresse où les pages écoutent ; dans un conteneur, 0.0.0.0:8765
    #[arg(long, default_value = answers::LISTEN)]
    listen: String,
    /// Adresse des pages vue du dehors, telle que https://vigie.exemple.fr ; sans elle, pas de liens dans les messages
    #[arg(long)]
    public_url: Option<String>,
    /// Personne qui tient Vigie
    #[arg(long)]
    operator_name: Option<String>,
    /// Son adresse électronique : le lien pour entrer y est envoyé
    #[arg(long)]
    operator_email: Option<String>,
    /// Organisation pour qui elle le fait
    #[arg(long)]
    organisation: Option<String>,
    /// Département veillé (répétable) ; aucun = toute la France
    #[arg(long = "department")]
    departments: Vec<String>,
    /// Qui peut s’inscrire de soi-même sur les pages : off (personne, par défaut), code (qui a un code, qui est tiré), open (tous)
    #[arg(long, value_parser = super::output::parse_word::<SignUpMode>)]
    sign_up: Option<SignUpMode>,
}

pub(super) async fn init(args: InitArgs) -> Result<(), Failure> {
    let dir = args.dir.clone().unwrap_or_else(default_dir);
    let path = dir.join("vigie.toml");
    if let Some(listen) = &args.web {
        if path.exists() {
            return Err(already(&path));
        }
        return page::serve(listen, &dir).await;
    }
    let stood = path.exists();
    if stood && args.mail_host.is_none() {
        return Err(already(&path));
    }
    let mut answers = answers::gather(args, &dir)?;
    let mut text = file::text(&answers, &dir);
    if let Ok(there) = std::fs::read_to_string(&path)
        && there != text
    {
        return Err(already(&path));
    }
    file::make_dirs(&dir)?;
    let settings = loop {
        let e = match write(&answers, &dir, &path, &text).await {
            Ok(settings) => break settings,
            Err(e) => e,
        };
        if e.usage || !ask::somebody() {
            return Err(e);
        }
        // What was answered is kept: only the mail server is asked for again.
        ask::say(&format!("{} ({}). {}", e.what, e.place, e.fix));
        if !ask::agreed("Donner un autre serveur d’envoi ?") {
            return Err(e);
        }
        answers.mail = answers::mail(None, None, None, None, None, None)?;
        text = file::text(&answers, &dir);
    };
    let said = first_operator(settings, answers.skip_mail_check).await?;
    print(&next_steps(&dir, stood, &said, &answers))
}

/// What was written (nothing where the file `stood` there and says the same), and what to do next.
fn next_steps(dir: &Path, stood: bool, said: &str, answers: &answers::Answers) -> String {
    let department = answers.departments.first().map_or("59", |d| d.as_str());
    let path = dir.join("vigie.toml");
    let named =
        if path == Path::new(config_arg::INSTALLED) { String::new() } else { format!(" -c {}", path.display()) };
    let secrets = dir.join("secrets");
    let secret = std::fs::read_dir(&secrets).is_ok_and(|mut inside| inside.next().is_some());
    let secrets = if secret { format!(", et ses secrets dans {}", secrets.display()) } else { String::new() };
    let start = match named.as_str() {
        "" => "systemctl enable --now vigie".to_owned(),
        named => format!("vigie run{named}"),
    };
    let written = if stood { "Déjà là, inchangé" } else { "Écrit" };
    let page = format!("{}/inscription", answers.public_url.as_deref().unwrap_or_default().trim_end_matches('/'));
    let sign_up = match answers.sign_up {
        SignUpMode::Off => String::new(),
        SignUpMode::Open => format!("4. On s’inscrit de soi-même à {page}\n"),
        SignUpMode::Code => format!(
            "4. On s’inscrit de soi-même à {page}, avec le code de {}\n",
            dir.join("secrets").join(SIGN_UP_CODE).display()
        ),
    };
    format!(
        "{written} : {}{secrets}\n{said}\n\
         Ensuite :\n\
         1. Lancez le service : {start}\n\
         2. Voyez si tout va : vigie doctor{named}\n\
         3. Ajoutez une personne : vigie subscriptions add{named} --email … --department {department} --sector nettoyage-de-locaux-16\n{sign_up}",
        path.display()
    )
}

/// Sets an installation up with these answers, in one go.
async fn set_up(answers: &answers::Answers, dir: &Path) -> Result<String, Failure> {
    let path = dir.join("vigie.toml");
    if path.exists() {
        return Err(already(&path));
    }
    file::make_dirs(dir)?;
    let settings = write(answers, dir, &path, &file::text(answers, dir)).await?;
    first_operator(settings, answers.skip_mail_check).await
}

/// Where a package expects its settings, if it is installed; else here.
fn default_dir() -> PathBuf {
    let installed = Path::new(config_arg::INSTALLED).parent().map(Path::to_owned);
    installed.filter(|dir| dir.is_dir()).unwrap_or_else(|| PathBuf::from("."))
}

fn already(path: &Path) -> Failure {
    Failure::usage(
        "un fichier de configuration est déjà là, et n’est pas réécrit",
        path.display().to_string(),
        "modifiez-le, puis vigie check ; ou donnez un autre dossier avec --dir",
    )
}

/// Writes the secrets and the settings; what an attempt made that came to nothing is taken away again.
async fn write(answers: &answers::Answers, dir: &Path, path: &Path, text: &str) -> Result<Settings, Failure> {
    let mut made = Vec::new();
    let outcome = fill(answers, dir, path, text, &mut made).await;
    if outcome.is_err() {
        for path in made {
            let _ = std::fs::remove_file(path);
        }
    }
    outcome
}

/// Writes the secrets, reads the settings as the service will, tries the mail server, and writes the file last. What was made stands in
/// `made`.
async fn fill(
    answers: &answers::Answers,
    dir: &Path,
    path: &Path,
    text: &str,
    made: &mut Vec<PathBuf>,
) -> Result<Settings, Failure> {
    let secrets = dir.join("secrets");
    if answers.public_url.is_some() && !secrets.join("web").exists() {
        made.extend(file::secret(&secrets.join("web"), &key()?)?);
    }
    if answers.sign_up == SignUpMode::Code && !secrets.join(SIGN_UP_CODE).exists() {
        made.extend(file::secret(&secrets.join(SIGN_UP_CODE), &sign_up_code()?)?);
    }
    for (name, secret) in [("smtp", &answers.mail.password), ("base", &answers.database_password)] {
        if let Some(secret) = secret {
            made.extend(file::secret(&secrets.join(name), secret)?);
        }
    }
    let settings = vigie_config::load::parse(text, path, &readers()).map_err(|faults| {
        let first = &faults[0];
        Failure::usage(first.what.clone(), "vos réponses", first.fix.clone())
    })?;
    if !answers.skip_mail_check {
        try_mail(&settings).await?;
    }
    if !path.exists() {
        made.push(file::settings(path, text)?);
    }
    Ok(settings)
}

/// A key drawn at random.
fn key() -> Result<SecretString, Failure> {
    Ok(drawn::<KEY_BYTES>()?.iter().map(|b| format!("{b:02x}")).collect::<String>().into())
}

/// A code drawn at random for those who sign themselves up.
fn sign_up_code() -> Result<SecretString, Failure> {
    let letters = drawn::<CODE_LENGTH>()?.map(|b| char::from(CODE_ALPHABET[usize::from(b & 31)]));
    Ok(letters.iter().collect::<String>().into())
}

fn drawn<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Failure::new(format!("pas de nombres au hasard : {e}"), "système", "relancez"))?;
    Ok(bytes)
}

async fn try_mail(settings: &Settings) -> Result<(), Failure> {
    let Some(email) = open_email(settings)? else { return Ok(()) };
    let contact = settings.operator.as_ref().map(|o| o.contact.as_str());
    let place = settings.email.as_ref().map_or_else(String::new, |e| format!("{}:{}", e.host, e.port()));
    match email.check(contact).await {
        Ok(said) => print(&format!("Serveur d’envoi {place} : {said}\n")),
        Err(why) => Err(Failure::new(
            format!("le serveur d’envoi n’est pas prêt : {why}"),
            place,
            "corrigez le serveur, le compte ou le mot de passe (sans essayer : --skip-mail-check)",
        )),
    }
}

/// Makes the database and the first operator, and sends them a link, or a word where no link can be made.
async fn first_operator(settings: Settings, quiet: bool) -> Result<String, Failure> {
    let fetcher = Fetcher::http(&settings.fetch).map_err(|e| Failure::usage(e, "[fetch]", "corrigez cette valeur"))?;
    setup::wait_for_server(&settings).await?;
    let app = App::start(settings, fetcher, Clock::from_environment()?).await?;
    let service = &app.service;
    let now = service.clock.now();
    let operator = service.settings.subscriber.iter().find(|s| s.role.may(Permission::Operate));
    let address = operator.and_then(|s| s.email.clone()).unwrap_or_default();
    let said = match (quiet, service.has_links()) {
        (true, true) => format!("Pour entrer dans vos pages : vigie sign-in --subscriber {address}"),
        (true, false) => "Rien n’a été envoyé.".to_owned(),
        (false, true) => {
            sign_in::send_links(service, &address, "/exploitation", now).await?;
            format!("Un lien pour entrer dans vos pages est envoyé à {address} ; il sert une fois, dans la demi-heure.")
        }
        (false, false) => {
            let body = "Vigie est installée\nCe message montre que les courriels partent. Donnez une adresse publique aux pages pour que les messages portent des liens.";
            operators::tell(service, OperatorEvent::Once("init"), body, now).await?;
            format!("Un message est envoyé à {address}.")
        }
    };
    worker::drain(&app.delivery).await?;
    let dead = service.store.dead_since(now).await?;
    service.store.release_own(&service.lease_holder, service.clock.now()).await?;
    service.store.close().await;
    if dead > 0 {
        let fix = "voyez pourquoi : vigie deliveries list --state dead";
        return Err(Failure::new("le message à l’exploitant a été refusé", address, fix));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_config::secret::expose;

    #[test]
    fn a_key_is_long_and_never_the_same() {
        let (a, b) = (key().unwrap(), key().unwrap());
        assert_eq!(expose(&a).len(), 2 * KEY_BYTES);
        assert_ne!(expose(&a), expose(&b));
        let (a, b) = (sign_up_code().unwrap(), sign_up_code().unwrap());
        assert_eq!(expose(&a).len(), CODE_LENGTH);
        assert_ne!(expose(&a), expose(&b));
    }
}
