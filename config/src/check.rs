//! What the shape of the settings alone does not say: names that must differ, values out of range, blocks that need another.
//!
//! A pure function over settings that were read; where a value stands in the file is found by `load`.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use vigie_domain::{Channel, Department, Filter};

use crate::fault::{BlockFault, Step};
use crate::mail_address;
use crate::rules::{self, Rules};
use crate::settings::{Assistant, Settings, SignUpMode, Source, Subscriber, Tls};

/// Refuses a block of settings, or lets it pass.
pub type LookAtBlock = Box<dyn Fn(&Source) -> Result<(), BlockFault>>;

/// A kind of source that this build can read, and its look at a block of settings.
pub struct Reader {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    /// Refuses a block that it could not work with.
    pub check: LookAtBlock,
}

/// Every fault of meaning, each with its path from the root of the file.
pub(crate) fn faults(settings: &Settings, readers: &[Reader]) -> Vec<BlockFault> {
    let mut check = Check::default();
    let mut seen = BTreeSet::new();
    for (i, source) in settings.source.iter().enumerate() {
        let path = format!("source.{i}");
        if !seen.insert(&source.id) {
            let what = format!("deux sources portent le nom « {} »", source.id);
            check.fault(&format!("{path}.id"), what, "donnez à chacune un nom à elle");
        }
        check.source(&path, source, readers);
    }
    check.service(settings);
    let mut seen = BTreeSet::new();
    for (i, subscriber) in settings.subscriber.iter().enumerate() {
        let path = format!("subscriber.{i}");
        if !seen.insert(&subscriber.name) {
            let what = format!("deux destinataires portent le nom « {} »", subscriber.name);
            check.fault(&format!("{path}.name"), what, "donnez à chacun un nom à lui");
        }
        check.subscriber(&path, subscriber, settings);
        for (j, subscription) in subscriber.subscription.iter().enumerate() {
            check.filter(&format!("{path}.subscription.{j}.filter"), &subscription.filter);
        }
    }
    check.faults
}

/// Every fault of the block of one source, each with its path within the block.
#[must_use]
pub fn source_faults(source: &Source, readers: &[Reader]) -> Vec<BlockFault> {
    let mut check = Check::default();
    check.source("source", source, readers);
    let within = |mut fault: BlockFault| {
        fault.path.remove(0);
        fault
    };
    check.faults.into_iter().map(within).collect()
}

/// No poll was before this version of the program: 1 November 2026.
fn before_any_poll() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_491_200, 0).unwrap_or_default()
}

#[derive(Default)]
struct Check {
    faults: Vec<BlockFault>,
}

impl Check {
    fn fault(&mut self, path: &str, what: impl Into<String>, fix: impl Into<String>) {
        self.faults.push(BlockFault::at(path, what, fix));
    }

    fn source(&mut self, path: &str, source: &Source, readers: &[Reader]) {
        if source.id.is_empty() || !source.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            self.fault(
                &format!("{path}.id"),
                format!("nom de source « {} » impossible", source.id),
                "n’utilisez que lettres sans accent, chiffres, « - », « _ » et « . »",
            );
        } else if source.id.bytes().all(|b| b == b'.') {
            // As part of an address, it would lead somewhere else.
            let what = format!("nom de source « {} » impossible", source.id);
            self.fault(&format!("{path}.id"), what, "mettez-y une lettre ou un chiffre au moins");
        }
        match readers.iter().find(|r| r.name == source.kind) {
            None => {
                let names: Vec<&str> = readers.iter().map(|r| r.name).collect();
                self.fault(
                    &format!("{path}.kind"),
                    format!("lecteur de source inconnu « {} »", source.kind),
                    format!("choisissez parmi : {}", names.join(", ")),
                );
            }
            Some(reader) => {
                if let Err(inside) = (reader.check)(source) {
                    let path: Vec<Step> = crate::fault::path(path).into_iter().chain(inside.path).collect();
                    self.faults.push(BlockFault { path, ..inside });
                }
            }
        }
        match source.schedule.as_ref().map(|written| (written, cron::Schedule::from_str(written))) {
            Some((written, Err(_))) => self.fault(
                &format!("{path}.schedule"),
                format!("horaire « {written} » illisible"),
                "écrivez six champs, par exemple \"0 */20 * * * *\" : secondes (0 à 59), minutes (0 à 59), heures (0 à 23), jour du mois (1 à 31), mois (1 à 12), jour de la semaine (Mon à Sun)",
            ),
            Some((written, Ok(schedule))) if schedule.after(&before_any_poll()).next().is_none() => self.fault(
                &format!("{path}.schedule"),
                format!("horaire « {written} » qui n’arrive jamais"),
                "choisissez un jour qui existe, et une année à venir",
            ),
            _ => {}
        }
        if let Some(url) = &source.url {
            self.http_url(&format!("{path}.url"), url);
        }
    }

    /// What concerns the service as a whole.
    fn service(&mut self, settings: &Settings) {
        if settings.sign_up.mode == SignUpMode::Code && settings.sign_up.code.is_none() {
            let what = "l’inscription par code n’a pas de code".to_owned();
            self.fault("sign_up.mode", what, "ajoutez [sign_up] code = { file = \"…\" }, ou mode = \"open\"");
        }
        if let Some(email) = &settings.email
            && email.tls == Tls::None
            && email.username.is_some()
        {
            let what = "un mot de passe partirait en clair";
            self.fault("email.tls", what, "choisissez tls = \"starttls\" ou \"implicit\"");
        }
        if let Some(url) = &settings.web.public_url {
            self.http_url("web.public_url", url);
            if url::Url::parse(url).is_ok_and(|u| u.path() != "/" || u.query().is_some() || u.fragment().is_some()) {
                let what = format!("« {} » mène plus loin que la racine d’un site", without_account(url));
                let fix = "donnez à Vigie un nom à elle, tel que https://vigie.exemple.fr : ses pages sont à la racine";
                self.fault("web.public_url", what, fix);
            }
            // It stands in headers of mails as it is written.
            if let Ok(read) = url::Url::parse(url)
                && read.username().is_empty()
                && !url.trim_end_matches('/').eq_ignore_ascii_case(read.as_str().trim_end_matches('/'))
            {
                let what = format!("« {} » n’est pas écrit comme les programmes l’écrivent", without_account(url));
                self.fault("web.public_url", what, format!("écrivez {}", read.as_str().trim_end_matches('/')));
            }
            if settings.web.secret.is_none() {
                let what = "une adresse publique sans secret : aucun lien des messages ne pourrait être signé";
                self.fault("web.public_url", what, "ajoutez secret = { env = \"VIGIE_WEB_SECRET\" } dans [web]");
            }
        }
        let others = [
            ("telegram.api_url", settings.telegram.as_ref().and_then(|t| t.api_url.as_ref())),
            ("observe.heartbeat_url", settings.observe.heartbeat_url.as_ref()),
            ("judgement.assistant.url", settings.judgement.assistant.as_ref().map(|a| &a.url)),
        ];
        for (path, url) in others {
            if let Some(url) = url {
                self.no_account(path, url);
            }
        }
        if let Some(Ok(url)) = settings.matrix.as_ref().map(|m| url::Url::parse(&m.homeserver)) {
            self.no_account("matrix.homeserver", &url);
        }
        self.store(settings);
        self.operator(settings);
        if let Some(dir) = settings.templates.dir.as_ref().filter(|d| !d.is_dir()) {
            let what = format!("dossier de modèles introuvable : {}", dir.display());
            self.fault("templates.dir", what, "corrigez le chemin, ou retirez la clé");
        }
        if let Some(url) = settings.observe.heartbeat_url.as_ref().filter(|u| !matches!(u.scheme(), "http" | "https")) {
            let what = format!("adresse « {url} » inutilisable");
            self.fault("observe.heartbeat_url", what, "écrivez une adresse en https://");
        }
        // Two doors at one address: the second would be blamed on another program.
        let read = |address: &String| address.parse::<std::net::SocketAddr>().ok().filter(|a| a.port() != 0);
        if let Some((web, observe)) = read(&settings.web.listen).zip(settings.observe.listen.as_ref().and_then(read))
            && web.port() == observe.port()
            && (web.ip() == observe.ip() || web.ip().is_unspecified() || observe.ip().is_unspecified())
        {
            let what = format!("les pages et la surveillance écoutent toutes deux sur le port {}", web.port());
            self.fault("observe.listen", what, "donnez-leur deux ports, par exemple 8765 et 9464");
        }
        let listen = [("web", Some(&settings.web.listen), 8765), ("observe", settings.observe.listen.as_ref(), 9464)];
        for (table, address, port) in listen.into_iter().filter_map(|(t, a, p)| Some((t, a?, p))) {
            if address.parse::<std::net::SocketAddr>().is_err() {
                self.fault(
                    &format!("{table}.listen"),
                    format!("adresse d’écoute « {address} » illisible"),
                    format!("écrivez par exemple \"127.0.0.1:{port}\""),
                );
            }
        }
        if let Some(assistant) = &settings.judgement.assistant {
            self.assistant(assistant);
        }
        if settings.pace.digest_hour > 23 {
            self.fault("pace.digest_hour", "l’heure des résumés doit tenir entre 0 et 23", "écrivez par exemple 8");
        }
        if settings.backup.hour > 23 {
            self.fault("backup.hour", "l’heure des sauvegardes doit tenir entre 0 et 23", "écrivez par exemple 3");
        }
        if settings.backup.dir.is_some() && settings.store.url.as_ref().is_some_and(|u| u.starts_with("postgres")) {
            let what = "une base PostgreSQL se sauvegarde par ses propres outils";
            self.fault("backup.dir", what, "retirez cette clé, et planifiez pg_dump ou l’archivage continu");
        }
        self.limits(settings);
        for (i, proxy) in settings.web.trusted_proxies.iter().enumerate() {
            if !is_cidr(proxy) && proxy.parse::<std::net::IpAddr>().is_err() {
                let what = format!("« {proxy} » n’est ni une adresse ni un réseau");
                let fix = "écrivez par exemple \"127.0.0.1\" ou \"10.0.0.0/24\"";
                self.fault(&format!("web.trusted_proxies.{i}"), what, fix);
            }
        }
        for (i, network) in settings.fetch.allow_private.iter().enumerate().filter(|(_, n)| !is_cidr(n)) {
            let what = format!("réseau « {network} » illisible");
            self.fault(&format!("fetch.allow_private.{i}"), what, "écrivez par exemple \"10.1.0.0/16\"");
        }
    }

    /// Numbers with which nothing could ever be fetched or sent, and one address of two people.
    fn limits(&mut self, settings: &Settings) {
        let fetch = &settings.fetch;
        let mut numbers =
            vec![("fetch.timeout_s", fetch.timeout_s, 1, 3600), ("fetch.max_body_mib", fetch.max_body_mib, 1, 1024)];
        if let Some(email) = &settings.email {
            numbers.push(("email.port", u64::from(email.port()), 1, u64::from(u16::MAX)));
            numbers.push(("email.connections", email.connections as u64, 1, 1000));
            numbers.push(("email.timeout_s", email.timeout_s, 1, 3600));
            if email.host.trim().is_empty() {
                self.fault("email.host", "pas de serveur d’envoi", "écrivez son nom, par exemple \"smtp.exemple.fr\"");
            }
        }
        for (key, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                self.fault(key, format!("{value} est hors limites"), format!("de {least} à {most}"));
            }
        }
        if fetch.user_agent.trim().is_empty() || fetch.user_agent.chars().any(char::is_control) {
            let fix = "écrivez un nom et une adresse de contact, sur une ligne";
            self.fault("fetch.user_agent", "ce nom ne peut pas être envoyé", fix);
        }
        let mut known = std::collections::BTreeMap::new();
        for (i, subscriber) in settings.subscriber.iter().enumerate() {
            let Some(email) = &subscriber.email else { continue };
            if let Some(other) =
                known.insert(mail_address::canonical(email).unwrap_or_else(|_| email.clone()), &subscriber.name)
            {
                let what = format!("l’adresse « {email} » est déjà celle de « {other} »");
                self.fault(
                    &format!("subscriber.{i}.email"),
                    what,
                    "une personne par adresse : réunissez ces deux blocs",
                );
            }
        }
    }

    fn assistant(&mut self, assistant: &Assistant) {
        let path = |key: &str| format!("judgement.assistant.{key}");
        if !matches!(assistant.url.scheme(), "http" | "https") {
            let what = format!("adresse « {} » inutilisable", assistant.url);
            self.fault(&path("url"), what, "écrivez une adresse en https://");
        }
        // A network of one's own is named by an address, or is this very machine.
        let near = matches!(assistant.url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)))
            || assistant.url.host_str() == Some("localhost");
        if assistant.key.is_some() && assistant.url.scheme() == "http" && !near {
            self.fault(&path("url"), "une clé partirait en clair", "écrivez l’adresse en https://");
        }
        if assistant.model.trim().is_empty() {
            self.fault(&path("model"), "aucun modèle", "écrivez le nom du modèle, tel que le serveur le donne");
        }
        for (key, value, most) in
            [("batch", assistant.batch, 50), ("statements_a_day", assistant.statements_a_day, 100_000)]
        {
            if !(1..=most).contains(&value) {
                self.fault(&path(key), format!("{value} est hors limites"), format!("de 1 à {most}"));
            }
        }
    }

    /// Nobody is written to by somebody who does not say who they are.
    fn operator(&mut self, settings: &Settings) {
        const EXAMPLE: &str =
            "ajoutez [operator] avec name, contact et organisation : les personnes les lisent dans chaque message";
        let Some(operator) = &settings.operator else {
            if let Some(channel) = settings.channels_to_people().first() {
                self.fault(channel, "Vigie écrit à des personnes, et rien ne dit qui la tient", EXAMPLE);
            }
            return;
        };
        for (key, value) in
            [("name", &operator.name), ("contact", &operator.contact), ("organisation", &operator.organisation)]
        {
            if value.trim().is_empty() || value.chars().any(char::is_control) || value.chars().count() > 120 {
                self.fault(&format!("operator.{key}"), format!("valeur impossible pour « {key} »"), EXAMPLE);
            }
        }
        let reachable = operator.contact.contains('@')
            || operator.contact.starts_with("https://")
            || operator.contact.chars().filter(char::is_ascii_digit).count() >= 8;
        if !reachable && !operator.contact.trim().is_empty() {
            let fix = "écrivez une adresse électronique, un numéro de téléphone ou une adresse https://";
            self.fault("operator.contact", format!("« {} » ne permet d’écrire à personne", operator.contact), fix);
        }
    }

    fn store(&mut self, settings: &Settings) {
        let Some(url) = &settings.store.url else { return };
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            let fix = "écrivez sqlite:CHEMIN ou postgres://utilisateur@hôte/base";
            self.fault("store.url", "adresse de base inconnue", fix);
        }
        if url.contains(":memory:") {
            let what = "une base en mémoire perdrait tout à chaque arrêt";
            self.fault("store.url", what, "écrivez sqlite:CHEMIN, le chemin d’un fichier");
        }
        if url::Url::parse(url).is_ok_and(|u| u.password().is_some()) {
            let what = "un mot de passe en clair dans l’adresse de la base";
            self.fault("store.url", what, "retirez-le, et ajoutez password = { env = \"NOM\" }");
        }
    }

    fn subscriber(&mut self, path: &str, subscriber: &Subscriber, settings: &Settings) {
        let in_chat = subscriber.matrix.is_some() || subscriber.telegram.is_some();
        if subscriber.email.is_none() && !in_chat && !subscriber.console && subscriber.tool.is_empty() {
            let what = format!("« {} » n’a aucune adresse", subscriber.name);
            self.fault(&format!("{path}.name"), what, "ajoutez email = \"…\" ou console = true");
        }
        if let Some(what) = subscriber.email.as_deref().and_then(|e| mail_address::canonical(e).err()) {
            self.fault(&format!("{path}.email"), what, "écrivez nom@domaine.fr");
        }
        if let Some(siret) = subscriber.siret.as_deref().filter(|s| !is_siret(s)) {
            let what = format!("« {siret} » n’est pas un SIRET");
            self.fault(&format!("{path}.siret"), what, "écrivez ses quatorze chiffres, sans espace");
        }
        if let Some(fault) = subscriber.rhythm.fault() {
            self.fault(&format!("{path}.rhythm"), fault, "écrivez par exemple 7");
        }
        for (n, tool) in subscriber.tool.iter().enumerate().filter(|(_, tool)| !Channel::COPIED.contains(&tool.kind)) {
            let what = format!("« {} » n’est pas un outil qui reçoit à une adresse", tool.kind.as_str());
            let fix = "écrivez webhook, mattermost, slack, teams ou rocket_chat";
            self.fault(&format!("{path}.tool.{n}.kind"), what, fix);
        }
        if settings.web.secret.is_none() && subscriber.tool.iter().any(|tool| tool.kind == Channel::Webhook) {
            let what = "un logiciel reçoit des messages signés, mais rien ne les signe";
            self.fault(&format!("{path}.tool"), what, "ajoutez secret à [web]");
        }
        let channels = [
            (
                "email",
                subscriber.email.is_some() && settings.email.is_none(),
                "une adresse e-mail, mais pas de serveur d’envoi",
            ),
            ("matrix", subscriber.matrix.is_some() && settings.matrix.is_none(), "un salon Matrix, mais pas de compte"),
            (
                "telegram",
                subscriber.telegram.is_some() && settings.telegram.is_none(),
                "une conversation Telegram, mais pas de bot",
            ),
        ];
        for (channel, _, what) in channels.into_iter().filter(|(_, missing, _)| *missing) {
            self.fault(&format!("{path}.{channel}"), what, format!("ajoutez un bloc [{channel}]"));
        }
    }

    fn filter(&mut self, path: &str, filter: &Filter) {
        for fault in filter.faults() {
            self.fault(path, fault, "corrigez cette valeur, ou retirez-la");
        }
        for fault in filter.unknown_places(rules::communes) {
            let fix = "écrivez le code INSEE de la commune, le SIREN de l’intercommunalité ; `vigie subscriptions preview --around \"Lens (62) 30 km\"` les trouve";
            self.fault(path, fault, fix);
        }
        let rules = Rules::embedded();
        for slug in filter.sectors.iter().filter(|s| !rules.is_sector(s)) {
            let near = rules.nearest_sector(slug);
            self.fault(
                &format!("{path}.sectors"),
                format!("secteur inconnu « {slug} »"),
                format!("vouliez-vous dire « {near} » ? `vigie subscriptions sectors` les énumère"),
            );
        }
        for d in filter.departments.iter().filter(|d| Department::parse(d.as_str()).as_ref() != Some(d)) {
            self.fault(
                &format!("{path}.departments"),
                format!("département inconnu « {d} »"),
                "écrivez un code INSEE, par exemple \"59\", \"2A\" ou \"974\"",
            );
        }
    }

    fn http_url(&mut self, path: &str, text: &str) {
        let fine = url::Url::parse(text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
        if !fine {
            let what = format!("adresse « {} » impossible", without_account(text));
            self.fault(path, what, "écrivez une adresse complète qui commence par https://");
        }
        if let Ok(url) = url::Url::parse(text) {
            self.no_account(path, &url);
        }
    }

    /// An address is shown in logs and lists: an account in it would be too.
    fn no_account(&mut self, path: &str, url: &url::Url) {
        if !url.username().is_empty() || url.password().is_some() {
            let what = "un compte et son mot de passe dans l’adresse : elle est écrite en clair dans les journaux";
            let fix = "retirez-les de l’adresse ; le compte d’un portail se décrit dans [source.login]";
            self.fault(path, what, fix);
        }
    }
}

/// An address that cannot be read, without what may be an account in it.
fn without_account(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://[…]@{rest}"),
        (None, Some((_, rest))) => format!("[…]@{rest}"),
        _ => text.to_owned(),
    }
}

/// Whether `text` is a SIRET as it is compared: fourteen digits and nothing else.
fn is_siret(text: &str) -> bool {
    text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether `text` is a network such as `10.1.0.0/16`.
fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(bits)) = (address.parse::<std::net::IpAddr>(), bits.parse::<u8>()) else { return false };
    bits <= if address.is_ipv4() { 32 } else { 128 }
}
