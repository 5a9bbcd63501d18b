//! What is asked before an installation is set up, and what is taken where nothing is said.

use std::path::Path;

use secrecy::SecretString;
use vigie_config::Secret;
use vigie_config::settings::{SignUpMode, Tls};
use vigie_domain::Department;
use vigie_service::Failure;

use super::super::{ask, config_arg};
use super::InitArgs;

/// Where the pages listen unless somebody says otherwise: behind a proxy of this machine.
pub(super) const LISTEN: &str = "127.0.0.1:8765";

/// What an installation is set up with.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) database: String,
    pub(super) database_password: Option<SecretString>,
    pub(super) mail: Mail,
    pub(super) skip_mail_check: bool,
    pub(super) listen: String,
    pub(super) public_url: Option<String>,
    pub(super) operator_name: String,
    pub(super) operator_email: String,
    pub(super) organisation: String,
    pub(super) departments: Vec<Department>,
    pub(super) sign_up: SignUpMode,
}

/// How messages leave.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) tls: Tls,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) from: String,
}

/// Takes what the flags say, and asks for the rest where somebody is there.
pub(super) fn gather(args: InitArgs, dir: &Path) -> Result<Answers, Failure> {
    let organisation = needed(args.organisation, "--organisation", "Organisation pour qui Vigie est tenue")?;
    let operator_name = needed(args.operator_name, "--operator-name", "Votre nom, tel qu’on vous appelle")?;
    let operator_email = needed(args.operator_email, "--operator-email", "Votre adresse électronique")?;
    let asked = args.mail_host.is_none();
    let mail = mail(
        args.mail_host,
        args.mail_port,
        args.mail_tls,
        args.mail_user,
        args.mail_password_file.as_deref(),
        args.mail_from,
    )?;
    let public_url = match args.public_url {
        None if asked => optional("Adresse des pages vue du dehors, https://… (vide s’il n’y en a pas encore)"),
        given => given,
    };
    let sign_up = match args.sign_up {
        None if asked && public_url.is_some() => ask_sign_up(),
        given => given.unwrap_or_default(),
    };
    let departments = match args.departments {
        given if given.is_empty() && asked => {
            optional("Départements veillés, tels que 59 62 (vide pour toute la France)")
                .map(|typed| codes(&typed))
                .unwrap_or_default()
        }
        given => given,
    };
    let database = args.database.unwrap_or_else(|| default_database(dir));
    reachable(sign_up, public_url.as_deref())?;
    Ok(Answers {
        database,
        database_password: args.database_password_file.as_deref().map(read).transpose()?,
        mail,
        skip_mail_check: args.skip_mail_check,
        listen: args.listen,
        public_url,
        operator_name,
        operator_email,
        organisation,
        departments: departments.iter().map(|d| department(d)).collect::<Result<_, _>>()?,
        sign_up,
    })
}

/// Whoever signs themselves up is sent a link, which needs the address of the pages.
fn reachable(sign_up: SignUpMode, public_url: Option<&str>) -> Result<(), Failure> {
    if sign_up == SignUpMode::Off || public_url.is_some() {
        return Ok(());
    }
    let fix = "donnez l’adresse des pages vue du dehors (--public-url), ou n’ouvrez pas l’inscription";
    Err(Failure::usage(
        "l’inscription demande une adresse publique : un lien est envoyé à qui s’inscrit",
        "--sign-up",
        fix,
    ))
}

/// The database of an installation in that folder, where nobody says another.
fn default_database(dir: &Path) -> String {
    let installed = Path::new(config_arg::INSTALLED).parent() == Some(dir);
    if installed { "sqlite:/var/lib/vigie/vigie.sqlite" } else { "sqlite:vigie.sqlite" }.to_owned()
}

/// Codes apart by blanks or commas.
fn codes(typed: &str) -> Vec<String> {
    typed.split([' ', ',', ';']).filter(|d| !d.is_empty()).map(str::to_owned).collect()
}

/// What was typed on the page, a text for each field.
#[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub(super) struct Typed {
    organisation: String,
    operator_name: String,
    operator_email: String,
    mail_host: String,
    mail_tls: String,
    mail_user: String,
    #[serde(skip_serializing)]
    mail_password: String,
    mail_from: String,
    public_url: String,
    departments: String,
    sign_up: String,
}

/// Takes what was typed on the page.
pub(super) fn of_page(typed: &Typed, dir: &Path) -> Result<Answers, Failure> {
    let said = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let needed = |text: &str, what: &str| {
        said(text).ok_or_else(|| Failure::usage(format!("il manque {what}"), "cette page", "remplissez ce champ"))
    };
    let (host, port) = host_and_port(&needed(&typed.mail_host, "le serveur d’envoi des courriels")?);
    let user = said(&typed.mail_user);
    let from = match said(&typed.mail_from).or_else(|| own_address(user.as_deref())) {
        Some(from) => from,
        None => needed("", "l’adresse d’où partent les messages")?,
    };
    let password =
        Some(&typed.mail_password).filter(|p| user.is_some() && !p.is_empty()).cloned().map(SecretString::from);
    let tls = super::super::output::parse_word(&typed.mail_tls).unwrap_or_default();
    let sign_up = super::super::output::parse_word(&typed.sign_up).unwrap_or_default();
    let public_url = said(&typed.public_url);
    reachable(sign_up, public_url.as_deref())?;
    Ok(Answers {
        database: default_database(dir),
        database_password: None,
        mail: Mail { host, port, tls, user, password, from },
        skip_mail_check: false,
        listen: LISTEN.to_owned(),
        public_url,
        operator_name: needed(&typed.operator_name, "votre nom")?,
        operator_email: needed(&typed.operator_email, "votre adresse électronique")?,
        organisation: needed(&typed.organisation, "le nom de l’organisation")?,
        departments: codes(&typed.departments).iter().map(|d| department(d)).collect::<Result<_, _>>()?,
        sign_up,
    })
}

/// How messages leave: as the flags say, and by questions where somebody is there.
pub(super) fn mail(
    host: Option<String>,
    port: Option<u16>,
    tls: Option<Tls>,
    user: Option<String>,
    password_file: Option<&Path>,
    from: Option<String>,
) -> Result<Mail, Failure> {
    let asked = host.is_none();
    let written = needed(
        host,
        "--mail-host",
        "Serveur d’envoi des courriels, avec son port s’il en a un à lui (par exemple smtp.exemple.fr ou 127.0.0.1:25)",
    )?;
    let (host, own_port) = host_and_port(&written);
    let tls = match tls {
        Some(tls) => tls,
        None if asked => ask_tls()?,
        None => Tls::default(),
    };
    let user = match user {
        None if asked && tls != Tls::None => optional("Compte sur ce serveur (vide s’il n’en demande pas)"),
        given => given,
    };
    let password = match (&user, password_file) {
        (None, _) => None,
        (Some(_), Some(path)) => Some(read(path)?),
        (Some(user), None) => {
            let typed =
                ask::secret(&format!("Mot de passe de {user} (il ne s’affiche pas) : ")).map(SecretString::from);
            Some(typed.ok_or_else(|| missing("--mail-password-file"))?)
        }
    };
    let from = match (from, own_address(user.as_deref())) {
        (Some(from), _) => from,
        (None, Some(own)) => optional(&format!("Adresse d’où partent les messages [{own}]")).unwrap_or(own),
        (None, None) => {
            needed(None, "--mail-from", "Adresse d’où partent les messages (par exemple vigie@exemple.fr)")?
        }
    };
    Ok(Mail { host, port: port.or(own_port), tls, user, password, from })
}

/// The address from which messages leave where nobody says another: that of the account, if it is one.
fn own_address(user: Option<&str>) -> Option<String> {
    user.filter(|user| user.contains('@')).map(|user| format!("Vigie <{user}>"))
}

/// `smtp.exemple.fr:2525` is a server and its port; an IPv6 address holds colons of its own.
fn host_and_port(written: &str) -> (String, Option<u16>) {
    let split = written.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host.trim_matches(['[', ']']).to_owned(), Some(port)),
        None => (written.trim_matches(['[', ']']).to_owned(), None),
    }
}

fn department(written: &str) -> Result<Department, Failure> {
    Department::parse(written).ok_or_else(|| {
        let fix = "écrivez un code INSEE, tel que 59, 2A ou 974";
        Failure::usage(format!("département inconnu « {written} »"), "--department", fix)
    })
}

fn missing(flag: &str) -> Failure {
    Failure::usage(
        format!("il manque {flag}"),
        "vigie init",
        "ajoutez-le, ou lancez vigie init sur un terminal : il pose les questions",
    )
}

fn needed(given: Option<String>, flag: &str, question: &str) -> Result<String, Failure> {
    if let Some(given) = given.filter(|g| !g.trim().is_empty()) {
        return Ok(given.trim().to_owned());
    }
    loop {
        match ask::line(&format!("{question} : ")) {
            None => return Err(missing(flag)),
            Some(typed) if typed.is_empty() => ask::say("Il faut une réponse."),
            Some(typed) => return Ok(typed),
        }
    }
}

fn optional(question: &str) -> Option<String> {
    ask::line(&format!("{question} : ")).filter(|typed| !typed.is_empty())
}

fn ask_tls() -> Result<Tls, Failure> {
    ask::say(
        "Protection de la connexion : starttls (la plus courante, port 587), implicit (dès le début, port 465), none (relais de cette machine, port 25)",
    );
    loop {
        let Some(typed) = optional("starttls, implicit ou none [starttls]") else { return Ok(Tls::default()) };
        match super::super::output::parse_word(&typed.to_lowercase()) {
            Ok(tls) => return Ok(tls),
            Err(_) => ask::say("Écrivez l’un de ces trois mots."),
        }
    }
}

fn ask_sign_up() -> SignUpMode {
    ask::say(
        "Inscription par les personnes elles-mêmes, sur vos pages : off (personne), code (qui a un code que vous donnez), open (tous)",
    );
    loop {
        let Some(typed) = optional("off, code ou open [off]") else { return SignUpMode::Off };
        match super::super::output::parse_word(&typed.to_lowercase()) {
            Ok(mode) => return mode,
            Err(_) => ask::say("Écrivez l’un de ces trois mots."),
        }
    }
}

/// The secret that a file holds.
fn read(path: &Path) -> Result<SecretString, Failure> {
    let fix = "donnez un fichier qui ne contient que le mot de passe";
    Secret::File(path.to_owned()).read().map_err(|e| Failure::usage(e.to_string(), path.display().to_string(), fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_written_with_its_port() {
        let read = |text: &str| host_and_port(text);
        assert_eq!(read("127.0.0.1:8425"), ("127.0.0.1".to_owned(), Some(8425)));
        assert_eq!(read("smtp.exemple.fr"), ("smtp.exemple.fr".to_owned(), None));
        assert_eq!(read("[::1]:25"), ("::1".to_owned(), Some(25)));
        assert_eq!(read("::1"), ("::1".to_owned(), None));
        assert_eq!(
            read("smtp.exemple.fr:abc"),
            ("smtp.exemple.fr:abc".to_owned(), None),
            "refused later, with its name"
        );
    }
}
