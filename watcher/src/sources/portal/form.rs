//! The form that asks for a password, filled as a browser fills it (HTML §4.10.22): hidden fields and tokens, the chosen
//! option of a list, text areas, ticked boxes, fields elsewhere on the page that name the form, and the button that sends it.

use scraper::{ElementRef, Html, Selector};
use url::Url;

/// What a page shows to those who are not logged in.
pub(super) const PASSWORD_FIELD: &str = "input[type=password i]";

/// Who fills a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// The page did.
    Page,
    /// The account.
    Name,
    /// The password.
    Password,
}

/// A form to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it goes.
    pub action: Url,
    /// Its fields in the order of the page: name, value, who fills it.
    pub fields: Vec<(String, String, Filled)>,
}

fn select(css: &str) -> Result<Selector, String> {
    Selector::parse(css).map_err(|e| e.to_string())
}

/// Reads the form of a page. `base` is the address that its links are read against.
pub(super) fn of_page(document: &Html, base: &Url, username_field: Option<&str>) -> Result<Form, String> {
    let password = select(PASSWORD_FIELD)?;
    let forms = select("form")?;
    let owned = |form: ElementRef<'_>| controls(document, form).iter().any(|c| password.matches(c));
    let form = document.select(&forms).find(|f| owned(*f)).ok_or("aucun formulaire ne demande de mot de passe")?;
    let mut fields = Vec::new();
    let mut named = false;
    let mut sent_by: Option<ElementRef<'_>> = None;
    for control in controls(document, form) {
        if is_disabled(control) {
            continue;
        }
        let kind = kind(control);
        if matches!(kind.as_str(), "submit" | "image") {
            if sent_by.is_none() {
                sent_by = Some(control);
                fields.extend(button(control, &kind));
            }
            continue;
        }
        let Some(name) = control.value().attr("name").filter(|n| !n.is_empty()) else { continue };
        let asks_name = match username_field {
            Some(wanted) => wanted == name,
            None => !named && matches!(kind.as_str(), "text" | "email" | "tel"),
        };
        let by = match kind.as_str() {
            "password" => Filled::Password,
            "checkbox" | "radio" if control.value().attr("checked").is_none() => continue,
            "button" | "reset" | "file" => continue,
            _ if asks_name => Filled::Name,
            _ => Filled::Page,
        };
        named |= by == Filled::Name;
        fields.extend(values(control, &kind)?.into_iter().map(|value| (name.to_owned(), value, by)));
    }
    if !named {
        return Err("le formulaire n’a pas de champ pour le compte (voyez username_field)".to_owned());
    }
    let action = sent_by.and_then(|b| b.value().attr("formaction")).or(form.value().attr("action")).unwrap_or_default();
    let action = base.join(action.trim()).map_err(|e| format!("adresse du formulaire illisible : {e}"))?;
    Ok(Form { action, fields })
}

/// The controls of a form: those inside it that name no other, and those elsewhere that name it.
fn controls<'a>(document: &'a Html, form: ElementRef<'a>) -> Vec<ElementRef<'a>> {
    let Ok(all) = select("input, select, textarea, button") else { return Vec::new() };
    let id = form.value().attr("id");
    let belongs = |control: &ElementRef<'_>| match control.value().attr("form") {
        Some(named) => id == Some(named),
        None => control.ancestors().any(|a| a.id() == form.id()),
    };
    document.select(&all).filter(belongs).collect()
}

fn is_disabled(control: ElementRef<'_>) -> bool {
    let disabled = |e: &ElementRef<'_>| e.value().attr("disabled").is_some();
    disabled(&control)
        || control.ancestors().filter_map(ElementRef::wrap).any(|a| a.value().name() == "fieldset" && disabled(&a))
}

fn kind(control: ElementRef<'_>) -> String {
    let written = control.value().attr("type").unwrap_or_default().to_ascii_lowercase();
    match (control.value().name(), written.as_str()) {
        ("button", "button" | "reset") => written,
        ("button", _) => "submit".to_owned(),
        ("input", "") => "text".to_owned(),
        ("input", _) => written,
        (name, _) => name.to_owned(),
    }
}

/// What the button that sends a form adds to it.
fn button(control: ElementRef<'_>, kind: &str) -> Vec<(String, String, Filled)> {
    let name = control.value().attr("name").unwrap_or_default();
    if kind == "image" {
        let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
        return ["x", "y"].map(|axis| (format!("{prefix}{axis}"), "0".to_owned(), Filled::Page)).to_vec();
    }
    let value = control.value().attr("value").unwrap_or_default().to_owned();
    if name.is_empty() { Vec::new() } else { vec![(name.to_owned(), value, Filled::Page)] }
}

fn values(control: ElementRef<'_>, kind: &str) -> Result<Vec<String>, String> {
    Ok(match kind {
        "textarea" => {
            let text = control.text().collect::<String>();
            vec![text.strip_prefix('\n').unwrap_or(&text).to_owned()]
        }
        "select" => chosen(control)?,
        "checkbox" | "radio" => vec![control.value().attr("value").unwrap_or("on").to_owned()],
        _ => vec![control.value().attr("value").unwrap_or_default().to_owned()],
    })
}

/// The chosen options of a list; of one that takes a single choice, the first where none is marked.
fn chosen(list: ElementRef<'_>) -> Result<Vec<String>, String> {
    let options: Vec<ElementRef<'_>> =
        list.select(&select("option")?).filter(|o| o.value().attr("disabled").is_none()).collect();
    let value = |o: &ElementRef<'_>| match o.value().attr("value") {
        Some(value) => value.to_owned(),
        None => o.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let marked: Vec<String> = options.iter().filter(|o| o.value().attr("selected").is_some()).map(value).collect();
    if list.value().attr("multiple").is_some() {
        return Ok(marked);
    }
    Ok(marked.into_iter().next_back().or_else(|| options.first().map(value)).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Vec<String>), String> {
        let base = Url::parse("https://p.example/espace/connexion").unwrap();
        let form = of_page(&crate::html::parse(text).html, &base, None)?;
        let fields = form.fields.iter().map(|(n, v, by)| match by {
            Filled::Page => format!("{n}={v}"),
            Filled::Name => format!("{n}:name"),
            Filled::Password => format!("{n}:password"),
        });
        Ok((form.action.path().to_owned(), fields.collect()))
    }

    /// A13: what a browser would send.
    #[test]
    fn a_form_is_filled_as_a_browser_fills_it() {
        let asks = "<input name=u><input type=password name=p>";
        for (text, action, fields) in [
            (
                format!(
                    "<form action=/login>{asks}<input type=submit name=go value=OK><input type=submit name=no></form>"
                ),
                "/login",
                "u:name p:password go=OK",
            ),
            (
                format!("<form action=in><button name=b value=1>x</button>{asks}</form>"),
                "/espace/in",
                "b=1 u:name p:password",
            ),
            (
                format!("<form>{asks}<select name=s><option value=1>a<option value=2 selected>b</select></form>"),
                "/espace/connexion",
                "u:name p:password s=2",
            ),
            (
                format!("<form>{asks}<select name=s><option disabled>x<option> Un  deux </select></form>"),
                "/espace/connexion",
                "u:name p:password s=Un deux",
            ),
            (
                format!("<form>{asks}<textarea name=t>\nmot</textarea></form>"),
                "/espace/connexion",
                "u:name p:password t=mot",
            ),
            (
                format!("<form id=f action=/x>{asks}</form><input form=f type=hidden name=_token value=t0k>"),
                "/x",
                "u:name p:password _token=t0k",
            ),
            (
                format!("<form id=g><input name=q form=f></form><form id=f action=/y>{asks}</form>"),
                "/y",
                "q:name u= p:password",
            ),
            (
                format!(
                    "<form>{asks}<input type=checkbox name=c checked><input type=checkbox name=d><input name=e disabled><fieldset disabled><input name=h></fieldset></form>"
                ),
                "/espace/connexion",
                "u:name p:password c=on",
            ),
            (format!("<form action=/a>{asks}<button formaction=/b>x</button></form>"), "/b", "u:name p:password"),
            (format!("<form action=/a>{asks}<input type=image name=i></form>"), "/a", "u:name p:password i.x=0 i.y=0"),
            (format!("<table><form action=/t><tr><td>{asks}</td></tr></form></table>"), "/t", "u:name p:password"),
        ] {
            assert_eq!(
                read(&text),
                Ok((action.to_owned(), fields.split(' ').map(str::to_owned).collect()))
                    .map(|(a, f): (String, Vec<String>)| (a, f.join(" ")))
                    .map(|(a, f)| (a, refit(&f))),
                "{text}"
            );
        }
    }

    /// A value of two words was cut at its space by the table above.
    fn refit(fields: &str) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for part in fields.split(' ') {
            match out.last_mut() {
                Some(last) if !part.contains(['=', ':']) => last.push_str(&format!(" {part}")),
                _ => out.push(part.to_owned()),
            }
        }
        out
    }

    #[test]
    fn a_page_without_such_a_form_is_said_in_words() {
        assert!(read("<p>Maintenance</p>").unwrap_err().contains("mot de passe"));
        assert!(read("<form><input type=password name=p></form>").unwrap_err().contains("username_field"));
        let search = "<form action='/recherche'><input name=q></form><form action='/login'><input type=email name=courriel><input type=PASSWORD name=mdp></form>";
        assert_eq!(read(search).unwrap().0, "/login");
    }
}
