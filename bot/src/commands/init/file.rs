//! The settings file that is written, its secrets, and who may read them.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use vigie_config::private;
use vigie_config::secret::expose;
use vigie_config::settings::{SignUpMode, Tls};
use vigie_domain::french;
use vigie_service::Failure;

use super::answers::Answers;

/// A value as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The settings file. The same answers give the same text.
pub(super) fn text(a: &Answers, dir: &Path) -> String {
    let secret = |name: &str| quoted(&absolute(&dir.join("secrets").join(name)).display().to_string());
    let password = |name: &str, set: bool| match set {
        true => format!("password = {{ file = {} }}\n", secret(name)),
        false => String::new(),
    };
    let departments: Vec<String> = a.departments.iter().map(|d| quoted(d.as_str())).collect();
    let departments = match departments.is_empty() {
        true => "# departments = [\"59\"]                  # aucun = toute la France\n".to_owned(),
        false => format!("departments = [{}]\n", departments.join(", ")),
    };
    let backup = match vigie_store::sqlite_path(&a.database) {
        None => "# La base est sur PostgreSQL : planifiez pg_dump, ou l’archivage continu.\n".to_owned(),
        Some(file) => {
            let folder = if file.is_relative() { absolute(&dir.join(file)) } else { file };
            let folder = folder.parent().unwrap_or(dir).join("sauvegardes");
            format!("dir = {}   # de préférence sur un autre disque\n", quoted(&folder.display().to_string()))
        }
    };
    let tls = match a.mail.tls {
        Tls::Starttls => "starttls",
        Tls::Implicit => "implicit",
        Tls::None => "none",
    };
    let port = a.mail.port.map(|p| format!("port = {p}\n")).unwrap_or_default();
    let user = a.mail.user.as_ref().map(|u| format!("username = {}\n", quoted(u))).unwrap_or_default();
    let web = match &a.public_url {
        None => "# Sans adresse publique, les messages ne portent pas de liens, et personne n’entre dans ses pages.\n# public_url = \"https://vigie.exemple.fr\"\n# secret = { file = \"…\" }                 # 16 caractères au moins, tirés au hasard\n".to_owned(),
        Some(url) => format!("public_url = {}\nsecret = {{ file = {} }}   # signe les liens ; en changer les révoque tous\n", quoted(url.trim_end_matches('/')), secret("web")),
    };
    let sign_up = match a.sign_up {
        SignUpMode::Off => "mode = \"off\"".to_owned(),
        SignUpMode::Open => "mode = \"open\"".to_owned(),
        SignUpMode::Code => format!("mode = \"code\"\ncode = {{ file = {} }}", secret(super::SIGN_UP_CODE)),
    };
    format!(
        "# Vigie : configuration de {organisation_plain}.\n\
         # Chaque clé est expliquée dans l’exemple (vigie.example.toml). Après un changement : vigie check, puis systemctl reload vigie.\n\n\
         # Qui tient Vigie : les personnes le lisent au pied de chaque message.\n\
         [operator]\nname = {name}\ncontact = {email}\norganisation = {organisation}\n\n\
         [store]\nurl = {database}\n{database_password}\n\
         # Une copie de la base chaque nuit ; les sept dernières sont gardées. « vigie restore » en remet une.\n\
         [backup]\n{backup}\n\
         [email]\nhost = {host}\n{port}tls = \"{tls}\"\n{user}{mail_password}from = {from}\n\n\
         [web]\nlisten = {listen}           # derrière un mandataire qui chiffre (Caddy, nginx)\n{web}\n\
         # Qui peut s’inscrire de soi-même, à l’adresse publique suivie de /inscription : off (personne), code (qui a le code de code = {{ file = \"…\" }}), open (tous).\n\
         [sign_up]\n{sign_up}\n\n\
         # Ce qui est veillé. « vigie sources list » énumère les autres lecteurs : portails, flux, boîtes aux lettres.\n\
         [[source]]\nid = \"boamp\"\nkind = \"boamp\"\n{departments}\n\
         [[source]]\nid = \"ted\"\nkind = \"ted\"                            # Journal officiel de l’Union européenne, lu pour toute la France : bien des avis n’y nomment pas leur département, et les abonnements trient\nquery = \"buyer-country IN (FRA)\"\n\n\
         [[source]]\nid = \"approch\"\nkind = \"approch\"                        # projets d’achats, des mois avant l’avis\n{departments}\n\
         [[source]]\nid = \"decp\"\nkind = \"decp\"                           # marchés attribués : à qui proposer vos services\n{departments}only_social = true\n\n\
         # La première personne : elle tient l’installation. Les autres s’ajoutent par « vigie subscriptions add » ou « vigie invite ».\n\
         [[subscriber]]\nname = {name}\nrole = \"operator\"\nemail = {email}\n",
        organisation_plain = a.organisation.replace(char::is_control, " "),
        listen = quoted(&a.listen),
        name = quoted(&a.operator_name),
        email = quoted(&a.operator_email),
        organisation = quoted(&a.organisation),
        database = quoted(&a.database),
        database_password = password("base", a.database_password.is_some()),
        host = quoted(&a.mail.host),
        mail_password = password("smtp", a.mail.password.is_some()),
        from = quoted(&a.mail.from),
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Makes the folder of the settings and that of the secrets.
pub(super) fn make_dirs(dir: &Path) -> Result<(), Failure> {
    private::create_dir(dir).map_err(|e| unwritable(dir, &e))?;
    let secrets = dir.join("secrets");
    if !secrets.is_dir() {
        private::create_new_dir(&secrets).map_err(|e| unwritable(&secrets, &e))?;
        share(&secrets, 0o750, 0o700)?;
    }
    Ok(())
}

/// Writes a secret that is not there yet; gives its path where it was made. One that is there and says something else stays.
pub(super) fn secret(path: &Path, secret: &SecretString) -> Result<Option<PathBuf>, Failure> {
    if let Ok(there) = std::fs::read_to_string(path) {
        if there.trim_end_matches(['\n', '\r']) == expose(secret) {
            return Ok(None);
        }
        let fix = "retirez ce fichier s’il ne sert plus, ou donnez le même secret";
        return Err(Failure::usage(
            "un autre secret est déjà là, et n’est pas réécrit",
            path.display().to_string(),
            fix,
        ));
    }
    write_new(path, expose(secret), 0o640, 0o600).map(Some)
}

/// Writes the settings file, which must not be there.
pub(super) fn settings(path: &Path, text: &str) -> Result<PathBuf, Failure> {
    // It names people and holds no secret: a service under another account must be able to read it.
    write_new(path, text, 0o640, 0o644)
}

fn write_new(path: &Path, text: &str, shared: u32, alone: u32) -> Result<PathBuf, Failure> {
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let write = |mut file: std::fs::File| {
        file.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        file.sync_all()
    };
    options.open(path).and_then(write).map_err(|e| unwritable(path, &e))?;
    share(path, shared, alone)?;
    Ok(path.to_owned())
}

/// Lets the group of the folder read what root wrote in it (a package gives the folder to the service's group); elsewhere it is its owner's
/// alone, but for the settings.
fn share(path: &Path, shared: u32, alone: u32) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let done = folder.metadata().and_then(|folder| {
        let ours = path.metadata()?;
        let with_group = ours.uid() == 0 && folder.gid() != 0;
        if with_group {
            chown(path, None, Some(folder.gid()))?;
        }
        let mode = if with_group {
            shared
        } else if ours.uid() == 0 {
            alone
        } else {
            alone & 0o700
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    });
    done.map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let fix = "lancez la commande avec un compte qui peut y écrire (sudo), ou donnez un autre dossier avec --dir";
    Failure::new(format!("écriture impossible : {}", french::of_system(error)), path.display().to_string(), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_config::load::parse;
    use vigie_domain::Department;
    use vigie_watcher::sources::readers;

    use crate::commands::init::answers::Mail;

    fn answers() -> Answers {
        Answers {
            database: "sqlite:/var/lib/vigie/vigie.sqlite".to_owned(),
            database_password: None,
            mail: Mail {
                host: "smtp.exemple.fr".to_owned(),
                port: Some(2525),
                tls: Tls::Starttls,
                user: Some("vigie".to_owned()),
                password: Some("secret".to_owned().into()),
                from: "Vigie <vigie@exemple.fr>".to_owned(),
            },
            skip_mail_check: false,
            listen: "127.0.0.1:8765".to_owned(),
            public_url: Some("https://vigie.exemple.fr/".to_owned()),
            operator_name: "Camille \"Cam\" Exemple".to_owned(),
            operator_email: "camille@exemple.fr".to_owned(),
            organisation: "Maison de l’emploi\nd’Exemple".to_owned(),
            departments: vec![Department::parse("59").unwrap(), Department::parse("2A").unwrap()],
            sign_up: SignUpMode::Code,
        }
    }

    #[test]
    fn what_is_written_is_what_was_answered_and_the_same_every_time() {
        let a = answers();
        let written = text(&a, Path::new("/etc/vigie"));
        assert_eq!(written, text(&a, Path::new("/etc/vigie")));
        // A line break in a name is refused by the settings themselves.
        assert!(parse(&written, Path::new("/etc/vigie/vigie.toml"), &readers()).is_err());
        let a = Answers { organisation: "Maison de l’emploi".to_owned(), ..a };
        let written = text(&a, Path::new("/etc/vigie"));
        let settings = parse(&written, Path::new("/etc/vigie/vigie.toml"), &readers()).unwrap();
        assert_eq!(settings.operator.unwrap().name, a.operator_name);
        let email = settings.email.unwrap();
        assert_eq!(
            (email.host.as_str(), email.port(), email.from.as_str()),
            ("smtp.exemple.fr", 2525, a.mail.from.as_str())
        );
        assert_eq!(settings.backup.dir.unwrap(), Path::new("/var/lib/vigie/sauvegardes"));
        assert_eq!(settings.web.public_url.unwrap(), "https://vigie.exemple.fr");
        assert_eq!(
            settings.source.iter().map(|s| s.kind.as_str()).collect::<Vec<_>>(),
            ["boamp", "ted", "approch", "decp"]
        );
        // What was answered of départements holds for each source that can be asked by them.
        assert_eq!(written.matches("departments = [\"59\", \"2A\"]").count(), 3, "{written}");
        assert_eq!(settings.subscriber[0].email.as_deref(), Some("camille@exemple.fr"));
        assert!(settings.sign_up.mode == SignUpMode::Code && settings.sign_up.code.is_some());
        assert!(!written.contains("secret\"") || written.contains("file ="), "no secret stands in the file");
    }

    #[test]
    fn the_least_that_is_answered_makes_a_file_too() {
        let a = Answers {
            mail: Mail { user: None, password: None, port: None, tls: Tls::None, ..answers().mail },
            public_url: None,
            departments: Vec::new(),
            organisation: "A".to_owned(),
            sign_up: SignUpMode::Off,
            ..answers()
        };
        let settings = parse(&text(&a, Path::new("/etc/vigie")), Path::new("v.toml"), &readers()).unwrap();
        assert_eq!(settings.sign_up.mode, SignUpMode::Off);
        assert!(settings.web.public_url.is_none() && settings.email.unwrap().username.is_none());
        let on_a_server =
            Answers { database: "postgres://vigie@localhost/vigie".to_owned(), listen: "0.0.0.0:8765".to_owned(), ..a };
        let settings = parse(&text(&on_a_server, Path::new("/x")), Path::new("v.toml"), &readers()).unwrap();
        assert_eq!((settings.backup.dir, settings.web.listen.as_str()), (None, "0.0.0.0:8765"));
    }
}
