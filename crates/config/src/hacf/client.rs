//! Directives that take a whole line: programs to keep running, and who may talk to the daemon.

use super::Reader;
use crate::config::{ApiAuthorization, Client, ClientKind};
use crate::facts::FileKind;
use crate::finding::Finding;
use crate::lexer::{Line, Word, is_blank};
use crate::rule;
use crate::source::File;

impl Reader<'_> {
    pub(super) fn client(&mut self, failfast: bool, name: Word<'_>, rest: Word<'_>) {
        let line = Line { text: rest.text, start: rest.start };
        let words: Vec<Word<'_>> = line.words(is_blank).collect();
        let [user, program, ..] = words.as_slice() else {
            let finding = Finding::new(
                &rule::BAD_CLIENT,
                File::HaCf,
                name.span(),
                format!("`{}` needs a user and a program", name.text),
            )
            .label(format!("expected `{} USER /PATH ARGUMENTS…`", name.text));
            let original = match words.first() {
                None => "ERROR: Invalid uid [] specified for client child",
                Some(_) => "ERROR: Client child command [] is not full pathname",
            };
            return self.report(finding.original(original));
        };
        // The built-in ipfail replaces the program, whatever its path (other distributions install it
        // elsewhere) and whatever user was to run it.
        if !failfast && program.text.rsplit('/').next() == Some("ipfail") {
            self.draft.ipfail = Some(program.span());
            return;
        }
        if !self.client_is_usable(*user, *program) {
            return;
        }
        let command = &rest.text[program.start - rest.start..];
        self.draft.clients.push(Client {
            kind: if failfast { ClientKind::Failfast } else { ClientKind::Respawn },
            user: user.text.to_owned(),
            command: command.to_owned(),
        });
    }

    fn client_is_usable(&mut self, user: Word<'_>, program: Word<'_>) -> bool {
        let mut usable = true;
        if self.facts.user.is_some_and(|exists| !exists(user.text)) {
            let message = format!("there is no user `{}`", user.text);
            let finding = Finding::new(&rule::CLIENT_USER, File::HaCf, user.span(), message)
                .label("unknown here")
                .original(format!("ERROR: Invalid uid [{}] specified for client child", user.text));
            self.report(finding);
            usable = false;
        }
        if !program.text.starts_with('/') {
            let message = format!("`{}` is not a full path", program.text);
            let finding = Finding::new(&rule::CLIENT_PATH, File::HaCf, program.span(), message)
                .label("expected a path that begins with `/`")
                .original(format!(
                    "ERROR: Client child command [{}] is not full pathname",
                    program.text
                ));
            self.report(finding);
            return false;
        }
        let kind = self.facts.file.map(|file| file(program.text));
        if kind.is_some_and(|kind| kind != Some(FileKind::Executable)) {
            let message = format!("`{}` cannot be executed", program.text);
            let label = if kind == Some(None) { "no such file" } else { "not an executable file" };
            let finding =
                Finding::new(&rule::CLIENT_NOT_EXECUTABLE, File::HaCf, program.span(), message)
                    .label(label)
                    .original(format!(
                        "ERROR: Client child command [{}] is not executable",
                        program.text
                    ));
            self.report(finding);
            usable = false;
        }
        usable
    }

    pub(super) fn api_authorization(&mut self, name: Word<'_>, rest: Word<'_>) {
        let line = Line { text: rest.text, start: rest.start };
        let words: Vec<Word<'_>> = line.words(is_blank).collect();
        let Some((client, lists)) = words.split_first().filter(|(_, lists)| !lists.is_empty())
        else {
            return self.bad_api_authorization(
                name,
                rest,
                "expected `apiauth CLIENT uid=LIST gid=LIST`",
                None,
            );
        };
        let mut entry = ApiAuthorization {
            client: client.text.to_owned(),
            users: Vec::new(),
            groups: Vec::new(),
        };
        for word in lists {
            let (list, what) = match word.text.split_once('=') {
                Some(("uid", _)) => (&mut entry.users, "uid"),
                Some(("gid", _)) => (&mut entry.groups, "gid"),
                _ => {
                    let original = "ERROR: Missing uid or gid in apiauth".to_owned();
                    return self.bad_api_authorization(
                        *word,
                        rest,
                        "expected `uid=` or `gid=`",
                        Some(original),
                    );
                }
            };
            if !list.is_empty() {
                let original = format!("ERROR: Duplicate {what} list in apiauth");
                return self.bad_api_authorization(
                    *word,
                    rest,
                    "a second list of its kind",
                    Some(original),
                );
            }
            let ids = word.text["uid=".len()..].split(',').filter(|id| !id.is_empty());
            list.extend(ids.map(str::to_owned));
            if let Some(unknown) = self.unknown_id(what == "uid", word.text) {
                let (long, short) =
                    if what == "uid" { ("user id", "uid") } else { ("group", "gid") };
                let message = format!("`{unknown}` is unknown here");
                let finding =
                    Finding::new(&rule::APIAUTH_UNKNOWN_ID, File::HaCf, word.span(), message)
                        .label(format!("no such {}", if short == "uid" { "user" } else { "group" }))
                        .original(format!("ERROR: Invalid {long} name [{unknown}]"))
                        .original(format!(
                            "ERROR: Bad {short} list [{}]",
                            &word.text["uid=".len()..]
                        ))
                        .original(format!("ERROR: Invalid apiauth directive [{}]", rest.text));
                self.report(finding);
            }
        }
        if self.draft.api_authorizations.iter().any(|known| known.client == entry.client) {
            let message = format!("client `{}` has an `apiauth` line already", entry.client);
            let finding = Finding::new(&rule::APIAUTH_TWICE, File::HaCf, client.span(), message)
                .label("given again")
                .original(format!(
                    "ERROR: Duplicate apiauth directive for API client {}: [{}]",
                    entry.client, rest.text
                ));
            return self.report(finding);
        }
        // One finding is enough for all lines.
        if self.draft.api_authorizations.is_empty() {
            self.find(
                &rule::INERT_DIRECTIVE,
                name.span(),
                "`apiauth` no longer has an effect",
                "there is no client API that clients could sign on to",
            );
        }
        self.draft.api_authorizations.push(entry);
    }

    fn unknown_id(&self, user: bool, list: &str) -> Option<String> {
        let exists = if user { self.facts.user } else { self.facts.group }?;
        let mut ids = list["uid=".len()..].split(',').filter(|id| !id.is_empty());
        let unknown = ids.find(|id| id.parse::<u32>().is_err() && !exists(id))?;
        Some(unknown.to_owned())
    }

    fn bad_api_authorization(
        &mut self,
        at: Word<'_>,
        rest: Word<'_>,
        label: &str,
        first: Option<String>,
    ) {
        let mut finding = Finding::new(
            &rule::BAD_APIAUTH,
            File::HaCf,
            at.span(),
            "an `apiauth` line names a client and who may sign on as it",
        )
        .label(label);
        finding.original.extend(first);
        let finding = finding
            .original(format!("ERROR: Invalid apiauth directive [{}]", rest.text))
            .original("info: Syntax: apiauth client [uid=uidlist] [gid=gidlist]")
            .original("info: Where uidlist is a comma-separated list of uids,")
            .original("info: and gidlist is a comma-separated list of gids")
            .original("info: One or the other must be specified.");
        self.report(finding);
    }
}
