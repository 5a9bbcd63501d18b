//! What is asked before an installation is set up, and what is taken where nothing is said.

use std::path::Path;

use secrecy::SecretString;
use vigie_config::Secret;
use vigie_config::settings::Tls;
use vigie_domain::Department;
use vigie_service::Failure;

use super::super::{ask, config_arg};
use super::InitArgs;

/// What an installation is set up with.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) database: String,
    pub(super) database_password: Option<SecretString>,
    pub(super) mail_host: String,
    pub(super) mail_port: Option<u16>,
    pub(super) mail_tls: Tls,
    pub(super) mail_user: Option<String>,
    pub(super) mail_password: Option<SecretString>,
    pub(super) mail_from: String,
    pub(super) skip_mail_check: bool,
    pub(super) public_url: Option<String>,
    pub(super) operator_name: String,
    pub(super) operator_email: String,
    pub(super) organisation: String,
    pub(super) departments: Vec<Department>,
}

/// Takes what the flags say, and asks for the rest where somebody is there.
pub(super) fn gather(args: InitArgs, dir: &Path) -> Result<Answers, Failure> {
    let organisation = needed(args.organisation, "--organisation", "Organisation pour qui Vigie est tenue")?;
    let operator_name = needed(args.operator_name, "--operator-name", "Votre nom, tel qu’on vous appelle")?;
    let operator_email = needed(args.operator_email, "--operator-email", "Votre adresse électronique")?;
    let asked = args.mail_host.is_none();
    let mail_host = needed(args.mail_host, "--mail-host", "Serveur d’envoi des courriels (smtp.exemple.fr)")?;
    let mail_tls = match args.mail_tls {
        Some(tls) => tls,
        None if asked => tls("Protection de la connexion : starttls, implicit ou none [starttls]")?,
        None => Tls::default(),
    };
    let mail_user = match args.mail_user {
        None if asked && mail_tls != Tls::None => optional("Compte sur ce serveur (vide s’il n’en demande pas)"),
        given => given,
    };
    let mail_password = match (&mail_user, &args.mail_password_file) {
        (None, _) => None,
        (Some(_), Some(path)) => Some(read(path)?),
        (Some(user), None) => {
            let typed =
                ask::secret(&format!("Mot de passe de {user} (il ne s’affiche pas) : ")).map(SecretString::from);
            Some(typed.ok_or_else(|| missing("--mail-password-file"))?)
        }
    };
    let own = mail_user.as_ref().filter(|user| user.contains('@')).map(|user| format!("Vigie <{user}>"));
    let mail_from = match (args.mail_from, own) {
        (Some(from), _) => from,
        (None, Some(own)) => optional(&format!("Adresse d’où partent les messages [{own}]")).unwrap_or(own),
        (None, None) => needed(None, "--mail-from", "Adresse d’où partent les messages (vigie@exemple.fr)")?,
    };
    let public_url = match args.public_url {
        None if asked => optional("Adresse des pages vue du dehors, https://… (vide s’il n’y en a pas encore)"),
        given => given,
    };
    let departments = match args.departments {
        given if given.is_empty() && asked => {
            optional("Départements veillés, tels que 59 62 (vide pour toute la France)")
                .map(|typed| typed.split([' ', ',']).filter(|d| !d.is_empty()).map(str::to_owned).collect())
                .unwrap_or_default()
        }
        given => given,
    };
    let database = args.database.unwrap_or_else(|| {
        let installed = Path::new(config_arg::INSTALLED).parent() == Some(dir);
        if installed { "sqlite:/var/lib/vigie/vigie.sqlite" } else { "sqlite:vigie.sqlite" }.to_owned()
    });
    Ok(Answers {
        database,
        database_password: args.database_password_file.as_deref().map(read).transpose()?,
        mail_host,
        mail_port: args.mail_port,
        mail_tls,
        mail_user,
        mail_password,
        mail_from,
        skip_mail_check: args.skip_mail_check,
        public_url,
        operator_name,
        operator_email,
        organisation,
        departments: departments.iter().map(|d| department(d)).collect::<Result<_, _>>()?,
    })
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
            Some(typed) if typed.is_empty() => {}
            Some(typed) => return Ok(typed),
        }
    }
}

fn optional(question: &str) -> Option<String> {
    ask::line(&format!("{question} : ")).filter(|typed| !typed.is_empty())
}

fn tls(question: &str) -> Result<Tls, Failure> {
    loop {
        let Some(typed) = optional(question) else { return Ok(Tls::default()) };
        if let Ok(tls) = super::super::output::parse_word(&typed.to_lowercase()) {
            return Ok(tls);
        }
    }
}

/// The secret that a file holds.
fn read(path: &Path) -> Result<SecretString, Failure> {
    let fix = "donnez un fichier qui ne contient que le mot de passe";
    Secret::File(path.to_owned()).read().map_err(|e| Failure::usage(e.to_string(), path.display().to_string(), fix))
}
