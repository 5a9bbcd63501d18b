//! Mail: the server takes it, and what DNS says of the sending domain lets others believe it (SPF, RFC 7208; DKIM, RFC 6376; DMARC,
//! RFC 7489; the name of the address that sends).

use std::net::{IpAddr, Ipv4Addr};

use vigie_service::outgoing_mail;

use crate::dns::Resolver;
use crate::{Finding, Ground, PATIENCE};

pub(crate) async fn look(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(block) = &ground.settings.email else {
        let fix = "réglez [email] : sans lui, personne ne reçoit de courriel";
        return vec![Finding::look("mail", "courriel", "aucun serveur d’envoi n’est réglé", fix)];
    };
    let email = match outgoing_mail::open_email(ground.settings) {
        Ok(Some(email)) => email,
        Ok(None) => return Vec::new(),
        Err(e) => return vec![Finding::fault("mail", "courriel", e.what, e.fix)],
    };
    let contact = ground.settings.operator.as_ref().map(|o| o.contact.clone());
    let server = async {
        match tokio::time::timeout(PATIENCE, email.check(contact.as_deref())).await {
            Ok(Ok(said)) => Finding::good("mail", "courriel", format!("{} : {said}", block.host)),
            Ok(Err(e)) => Finding::fault(
                "mail",
                "courriel",
                e,
                "vérifiez [email] (serveur, port, tls, compte, mot de passe) et que cette machine peut joindre ce port",
            ),
            Err(_) => Finding::fault(
                "mail",
                "courriel",
                format!("{} ne répond pas en {} s", block.host, PATIENCE.as_secs()),
                "vérifiez l’adresse, le port, et que l’hébergeur ne ferme pas les ports d’envoi",
            ),
        }
    };
    let domain = email.sender().rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
    let record = email.signer().map(|s| s.record());
    let published = async {
        let resolver = match Resolver::open(ground.name_server) {
            Ok(resolver) => resolver,
            Err(e) => return vec![unanswered("dns", "DNS", e)],
        };
        let (spf, dkim, dmarc, name) = tokio::join!(
            spf(resolver, &domain),
            dkim(resolver, record),
            dmarc(resolver, &domain),
            reverse(resolver, &block.host)
        );
        vec![spf, dkim, dmarc, name]
    };
    let (server, published) = tokio::join!(server, published);
    std::iter::once(server).chain(published).collect()
}

fn unanswered(check: &'static str, what: &str, why: String) -> Finding {
    Finding::look(check, what, why, "vérifiez /etc/resolv.conf et la connexion de cette machine, puis relancez")
}

async fn spf(resolver: Resolver, domain: &str) -> Finding {
    match resolver.texts(domain).await {
        Ok(texts) => judge_spf(domain, &texts),
        Err(e) => unanswered("spf", "SPF", e),
    }
}

fn judge_spf(domain: &str, texts: &[String]) -> Finding {
    let publish = format!(
        "publiez sur {domain} un enregistrement TXT « v=spf1 include:… -all », où include: nomme votre fournisseur d’envoi (il le donne dans son aide)"
    );
    let records: Vec<&String> =
        texts.iter().filter(|t| t.as_str() == "v=spf1" || t.to_lowercase().starts_with("v=spf1 ")).collect();
    match records.as_slice() {
        [] => {
            Finding::fault("spf", "SPF", format!("{domain} n’en publie pas : les messages passent pour faux"), publish)
        }
        [one] if one.split_whitespace().any(|w| matches!(w, "+all" | "all")) => {
            Finding::fault("spf", "SPF", format!("« {one} » laisse n’importe qui écrire en votre nom"), publish)
        }
        [one] => Finding::good("spf", "SPF", format!("{domain} : {one}")),
        _ => Finding::fault(
            "spf",
            "SPF",
            format!("{domain} en publie {} : aucun ne compte", records.len()),
            "réunissez-les en un seul enregistrement (RFC 7208, § 3.2)",
        ),
    }
}

async fn dkim(resolver: Resolver, record: Option<(String, String)>) -> Finding {
    let Some((name, ours)) = record else {
        let found = "la signature est laissée au relais : elle ne se vérifie pas d’ici";
        let fix = "envoyez-vous un message et cherchez « dkim=pass » dans ses en-têtes ; sinon, réglez [email] dkim";
        return Finding::look("dkim", "DKIM", found, fix);
    };
    match resolver.texts(&name).await {
        Ok(texts) => judge_dkim(&name, &ours, &texts),
        Err(e) => unanswered("dkim", "DKIM", e),
    }
}

fn judge_dkim(name: &str, ours: &str, texts: &[String]) -> Finding {
    let publish = format!("publiez sur {name} l’enregistrement TXT : {ours}");
    let key = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        text.split(';').find_map(|part| part.strip_prefix("p=").map(str::to_owned))
    };
    match texts {
        [] => Finding::fault(
            "dkim",
            "DKIM",
            format!("{name} n’est pas publié : les signatures ne se vérifient pas"),
            publish,
        ),
        texts if texts.iter().any(|t| key(t) == key(ours)) => {
            Finding::good("dkim", "DKIM", format!("{name} porte la clé de Vigie"))
        }
        _ => Finding::fault("dkim", "DKIM", format!("{name} porte une autre clé que celle de Vigie"), publish),
    }
}

/// The record of the domain itself, or of the one it belongs to (RFC 7489, § 6.6.3).
async fn dmarc(resolver: Resolver, domain: &str) -> Finding {
    let labels: Vec<&str> = domain.split('.').collect();
    let mut names = vec![format!("_dmarc.{domain}")];
    if labels.len() > 2 {
        names.push(format!("_dmarc.{}", labels[labels.len() - 2..].join(".")));
    }
    for name in &names {
        match resolver.texts(name).await {
            Err(e) => return unanswered("dmarc", "DMARC", e),
            Ok(texts) => {
                if let Some(record) = texts.iter().find(|t| t.starts_with("v=DMARC1")) {
                    return Finding::good("dmarc", "DMARC", format!("{name} : {record}"));
                }
            }
        }
    }
    Finding::fault(
        "dmarc",
        "DMARC",
        format!("{domain} n’en publie pas : de grands fournisseurs refusent alors les messages"),
        format!("publiez sur {} l’enregistrement TXT « v=DMARC1; p=none; rua=mailto:postmaster@{domain} »", names[0]),
    )
}

/// Whether the address of the mail server has a name that leads back to it.
async fn reverse(resolver: Resolver, host: &str) -> Finding {
    let what = "nom inverse (PTR)";
    let addresses = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Ok(vec![address]),
        Ok(IpAddr::V6(_)) => Ok(Vec::new()),
        Err(_) if host == "localhost" => Ok(vec![Ipv4Addr::LOCALHOST]),
        Err(_) => resolver.addresses(host).await,
    };
    let address = match addresses {
        Err(e) => return unanswered("ptr", what, e),
        Ok(addresses) => match addresses.first() {
            None => {
                let fix = "vérifiez [email] host";
                return Finding::fault("ptr", what, format!("{host} n’a pas d’adresse"), fix);
            }
            Some(address) => *address,
        },
    };
    if address.is_loopback() || address.is_private() {
        let found =
            format!("le relais {host} est sur ce réseau : l’adresse par laquelle il sort n’est pas connue d’ici");
        let fix =
            "vérifiez, chez votre hébergeur, que l’adresse publique du relais porte le nom par lequel il se présente";
        return Finding::look("ptr", what, found, fix);
    }
    let named = match resolver.names_of(address).await {
        Err(e) => return unanswered("ptr", what, e),
        Ok(names) => names,
    };
    let mut back = Vec::new();
    for name in &named {
        back.extend(resolver.addresses(name).await.unwrap_or_default());
    }
    judge_reverse(host, address, &named, back.contains(&address))
}

fn judge_reverse(host: &str, address: Ipv4Addr, named: &[String], leads_back: bool) -> Finding {
    let what = "nom inverse (PTR)";
    let fix = "demandez-le à l’hébergeur de cette adresse : le nom du serveur d’envoi, qui doit ramener à elle";
    match named.first() {
        None => Finding::fault("ptr", what, format!("{address} ({host}) n’en a pas"), fix),
        Some(name) if !leads_back => {
            Finding::fault("ptr", what, format!("{address} s’appelle {name}, qui ne ramène pas à elle"), fix)
        }
        Some(name) => Finding::good("ptr", what, format!("{address} s’appelle {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn records_of_the_sending_domain_are_judged_as_receivers_do() {
        assert_eq!(judge_spf("x.fr", &texts(&["v=spf1 include:a -all", "autre"])).state, State::Good);
        for bad in [vec![], vec!["v=spf10 -all"], vec!["v=spf1 +all"], vec!["v=spf1 -all", "v=spf1 a -all"]] {
            let found = judge_spf("x.fr", &texts(&bad));
            assert!(found.state == State::Fault && !found.remedy.is_empty(), "{bad:?}: {found:?}");
        }
        let ours = "v=DKIM1; k=rsa; p=AAAA";
        assert_eq!(judge_dkim("n", ours, &texts(&["v=DKIM1;k=rsa;p=AA AA"])).state, State::Good);
        assert_eq!(judge_dkim("n", ours, &texts(&["v=DKIM1; p=BBBB"])).state, State::Fault);
        let missing = judge_dkim("vigie._domainkey.x.fr", ours, &[]);
        assert!(missing.state == State::Fault && missing.remedy.contains(ours), "{missing:?}");
        let address = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(judge_reverse("m", address, &texts(&["mx.x.fr"]), true).state, State::Good);
        assert_eq!(judge_reverse("m", address, &texts(&["mx.x.fr"]), false).state, State::Fault);
        assert_eq!(judge_reverse("m", address, &[], false).state, State::Fault);
    }
}
