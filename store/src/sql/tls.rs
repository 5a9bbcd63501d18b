//! Encryption towards PostgreSQL, as `sslmode` and `sslrootcert` of its address ask for.
//!
//! `disable`, `prefer` (the default: encrypted where the server can) and `require` are those of libpq: they look at no
//! certificate, since they protect against listening only. `verify-ca` and `verify-full` check the certificate and the name it
//! was made for, against `sslrootcert` or what the system trusts.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::SqlError;

/// What makes encrypted connections.
pub(crate) type Tls = MakeRustlsConnect;

/// Reads the address of a database: how to connect, and how to encrypt.
pub(crate) fn configure(url: &str) -> Result<(Config, Tls), SqlError> {
    let Address { url, checked, roots } = Address::read(url);
    let config: Config = url.parse()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(std::io::Error::other)?;
    let client = match roots {
        Some(path) => {
            let mut store = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(&path).map_err(|e| unusable(&path, &e))? {
                store.add(certificate.map_err(|e| unusable(&path, &e))?).map_err(|e| unusable(&path, &e))?;
            }
            builder.with_root_certificates(store)
        }
        None if checked => builder.with_platform_verifier().map_err(std::io::Error::other)?,
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked(provider))),
    };
    Ok((config, MakeRustlsConnect::new(client.with_no_client_auth())))
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

/// Takes any certificate: what `prefer` and `require` mean.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
