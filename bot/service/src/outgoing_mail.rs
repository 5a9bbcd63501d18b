//! The e-mail channel, as the settings describe it: its secrets read, nothing asked of a server yet.

use vigie_config::settings::Settings;
use vigie_notifier::channels::email::{Email, EmailError};

use crate::error::Failure;

/// Makes the e-mail channel the settings name, if any.
///
/// # Errors
/// An address, a secret or the certificate is unreadable.
pub fn open_email(settings: &Settings) -> Result<Option<Email>, Failure> {
    let Some(block) = &settings.email else { return Ok(None) };
    let password = block
        .password
        .as_ref()
        .map(|s| s.read())
        .transpose()
        .map_err(|e| Failure::usage(e.to_string(), "[email] password", "définissez ce secret"))?;
    let fault = |e: EmailError| {
        Failure::usage(e.to_string(), "[email]", "corrigez cette valeur ; vigie.example.toml en montre une")
    };
    let mut email = Email::new(block, password.as_ref()).map_err(fault)?;
    if let Some(dkim) = &block.dkim {
        let key = dkim
            .key
            .read()
            .map_err(|e| Failure::usage(e.to_string(), "[email] dkim", "donnez la clé, ou retirez dkim"))?;
        email = email.with_dkim(&dkim.selector, &key).map_err(fault)?;
    }
    let Some(pattern) = &block.return_path else { return Ok(Some(email)) };
    let key = settings.web.secret.as_ref().map(|s| s.read()).transpose().ok().flatten().ok_or_else(|| {
        Failure::usage(
            "les adresses de retour sont signées, et il n’y a pas de secret",
            "[email] return_path",
            "définissez [web] secret, ou retirez return_path",
        )
    })?;
    email.with_return_path(pattern, &key, settings.mailbox.is_some()).map(Some).map_err(fault)
}
