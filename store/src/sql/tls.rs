//! Encryption towards PostgreSQL, as `sslmode` and `sslrootcert` of its address ask for.
//!
//! `disable`, `prefer` (the default: encrypted where the server can) and `require` are those of libpq: they look at no
//! certificate, since they protect against listening only. `verify-ca` and `verify-full` check the certificate and the name it
//! was made for, against `sslrootcert` or what the system trusts.

use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;
use vigie_config::tls;

use super::error::SqlError;

/// What makes encrypted connections.
pub(crate) type Tls = MakeRustlsConnect;

/// Reads the address of a database: how to connect, and how to encrypt.
pub(crate) fn configure(url: &str) -> Result<(Config, Tls), SqlError> {
    let Address { url, checked, roots } = Address::read(url);
    let config: Config = url.parse()?;
    let client = match roots {
        Some(path) => {
            let pem = std::fs::read(&path).map_err(|e| unusable(&path, &e))?;
            tls::client(Some(&pem)).map_err(|e| unusable(&path, &e))?
        }
        None if checked => tls::client(None).map_err(std::io::Error::other)?,
        None => tls::unchecked().map_err(std::io::Error::other)?,
    };
    Ok((config, MakeRustlsConnect::new((*client).clone())))
}

fn unusable(path: &str, error: &dyn std::fmt::Display) -> std::io::Error {
    std::io::Error::other(format!("sslrootcert {path} : {error}"))
}

/// The address without what the client library does not know.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    url: String,
    checked: bool,
    roots: Option<String>,
}

impl Address {
    fn read(url: &str) -> Self {
        let Some((base, options)) = url.split_once('?') else {
            return Self { url: url.to_owned(), checked: false, roots: None };
        };
        let (mut kept, mut checked, mut roots) = (Vec::new(), false, None);
        for option in options.split('&') {
            match option.split_once('=') {
                Some(("sslmode" | "ssl-mode", "verify-ca" | "verify-full")) => {
                    checked = true;
                    kept.push("sslmode=require".to_owned());
                }
                Some(("sslmode" | "ssl-mode", "allow")) => kept.push("sslmode=prefer".to_owned()),
                Some(("ssl-mode", mode)) => kept.push(format!("sslmode={mode}")),
                Some(("sslrootcert" | "ssl-root-cert" | "ssl-ca", path)) => roots = Some(path.replace("%2F", "/")),
                _ => kept.push(option.to_owned()),
            }
        }
        let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
        Self { url, checked, roots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_encrypt_are_those_of_libpq() {
        let read = |options: &str| Address::read(&format!("postgres://vigie@hote/base{options}"));
        let plain = read("");
        assert_eq!((plain.url.as_str(), plain.checked), ("postgres://vigie@hote/base", false));
        let full = read("?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=x");
        assert_eq!(full.url, "postgres://vigie@hote/base?sslmode=require&application_name=x");
        assert!(full.checked);
        assert_eq!(full.roots.as_deref(), Some("/etc/ca.pem"));
        assert!(!read("?sslmode=require").checked);
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_its_password() {
        let Err(e) = configure("postgres://vigie:secret@hote:port/base").map(|_| ()) else { panic!("read") };
        assert!(!e.to_string().contains("secret"), "{e}");
    }
}
