//! TLS towards mail servers and the Bot API: the system's certificate authorities, or one of the operator's own.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate authority is unreadable.
    #[error("certificat de l’autorité illisible : {0}")]
    Authority(String),
    /// The library refuses to start.
    #[error("TLS : {0}")]
    Library(#[from] rustls::Error),
}

/// What a connection trusts: the system's authorities, or those of the PEM text `authority` in their place.
///
/// # Errors
/// The text holds no certificate, or the library does not start.
pub fn client(authority: Option<&[u8]>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = match authority {
        None => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(pem) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|e| TlsError::Authority(e.to_string()))?)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}
