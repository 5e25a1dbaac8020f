package spec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestWebhooks(t *testing.T) {
	const (
		secret  = `env:NAME for a variable of the routers' environment, or file:/PATH for a file on their machines`
		address = `write https://HOST/PATH; where the address itself is a secret, ` + secret
		name    = `names no environment variable: what follows env: has letters, digits and '_' and no digit first, as in env:ONCALL_SECRET`
	)
	tests := map[string]string{
		"url: https://h.example/x?y=z, secret: env:S":              "",
		"url: http://127.0.0.1:9/x, secret: 'file:/etc/s'":         "",
		"url: env:URL, secret: env:_S1, format: standard":          "",
		"url: 'file:/run/secrets/chat', format: slack":             "",
		"url: env:URL, format: slack, on: [rollback]":              "",
		"url: env:URL, format: slack, on: [freeze, autopilot_off]": "",

		"format: slack":                                                             `5: webhook "w": the url is missing: ` + address,
		"url: hooks.example/x, format: slack":                                       `20: webhook "w": the url is neither http nor https: ` + address,
		"url: 'ftp://h.example/x', format: slack":                                   `20: webhook "w": the url is neither http nor https: ` + address,
		"url: 'http://h.example/a b', format: slack":                                `20: webhook "w": the url contains a space or a control character: ` + address,
		"url: 'http://h.example/\u2028', format: slack":                             `20: webhook "w": the url contains a space or a control character: ` + address,
		"url: 'http://h.example/%zz', format: slack":                                `20: webhook "w": the url is not one: ` + address,
		"url: 'https://ana:hunter2@h.example/', format: slack":                      `20: webhook "w": the url carries a user or password, and definitions are shown to every viewer: write ` + secret,
		"url: 'https:///x', format: slack":                                          `20: webhook "w": the url has no host: ` + address,
		"url: 'https://h.example/#x', format: slack":                                `20: webhook "w": the url has a fragment, which no server ever sees: leave it out`,
		"url: 'https://h.example:0/', format: slack":                                `20: webhook "w": the url has a port that is not one: write a number from 1 to 65535`,
		"url: 'http://169.254.169.254/latest', format: slack":                       `20: webhook "w": the url is refused: address refused: 169.254.169.254 is link-local, where metadata services live`,
		"url: 'http://metadata.google.internal/x', format: slack":                   `20: webhook "w": the url is refused: metadata.google.internal is a cloud's metadata service`,
		"url: 'https://h.example/" + strings.Repeat("a", 2048) + "', format: slack": `20: webhook "w": the url has 2066 bytes: at most 2048 are allowed`,
		"url: 'hidden:https://h.example', format: slack":                            `20: webhook "w": the url was cut for somebody who may not change definitions: write all of it, or export with the role admin`,
		"url: 'env:', format: slack":                                                `20: webhook "w": the url ` + name,
		"url: 'env:MY-URL', format: slack":                                          `20: webhook "w": the url ` + name,

		"url: 'file:', format: slack":                `20: webhook "w": the url names no file: write the whole path, like file:/etc/strangler/oncall`,
		"url: env:URL, format: teams":                `37: webhook "w": format is "teams": write standard or slack`,
		"url: env:URL, format: slack, secret: env:S": `52: webhook "w": it has a secret and format slack, which signs nothing: leave it out`,
		"url: env:URL":                               `5: webhook "w": it has no secret to sign with: write ` + secret + `; or format: slack, which is not signed`,
		"url: env:URL, secret: whsec_aHVudGVyMg==":   `37: webhook "w": the secret stands in the definitions, which are shown to every viewer: write ` + secret,
		"url: env:URL, secret: env:1S":               `37: webhook "w": the secret ` + name,
		"url: env:URL, secret: 'file:'":              `37: webhook "w": the secret names no file: write the whole path, like file:/etc/strangler/oncall`,
		"url: env:URL, secret: file:s.txt":           `37: webhook "w": the secret names no file: the path "s.txt" depends on the folder a router was started in: write the whole path, like /etc/strangler/ca.pem`,

		"url: env:URL, format: slack, on: []":                                     `48: webhook "w": on is empty: leave it out to be told of everything`,
		"url: env:URL, format: slack, on: [rolback]":                              `49: webhook "w": no webhook is told of "rolback"; did you mean rollback?`,
		"url: env:URL, format: slack, on: [" + strings.Repeat("undo, ", 33) + "]": `48: webhook "w": on has 33 entries: at most 32 are allowed`,
		"url: env:URL, format: slack, on: [undo, undo]":                           `55: webhook "w": the verb undo occurs twice: write it once`,
		"url: env:URL, format: slack, on: [apply]": `49: webhook "w": no webhook is told of "apply"; ` +
			`write some of promote, pause, resume, rollback, retire, undo, freeze, unfreeze, autopilot_on, autopilot_off`,
		"url: env:URL, format: slack, to: x": `44: unknown key "to" in webhooks[0]; the keys are name, url, format, secret, on`,
	}
	for line, want := range tests {
		if want != "" {
			want = "f.yaml:2:" + want
		}
		got := problems(t, "webhooks:\n  - {name: w, "+line+"}\n")
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
		if strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVyMg") {
			t.Errorf("%s: the message repeats a secret: %s", line, got)
		}
	}
}

func TestWebhooksByName(t *testing.T) {
	const one = "{name: %s, url: env:URL, format: slack}"
	for text, want := range map[string]string{
		"webhooks: [" + fmt.Sprintf(one, "a") + ", " + fmt.Sprintf(one, "a") + "]": `f.yaml:1:59: webhook "a": webhooks[0] and webhooks[1] have the same name: rename one of them`,
		"webhooks: [" + fmt.Sprintf(one, "'a b'") + "]":                            `f.yaml:1:19: webhook "a b": character 2 of the name is ' ': a name has letters, digits, '-', '_' and '.', and begins with a letter or digit`,
	} {
		if got := problems(t, text); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", text, got, want)
		}
	}
	many := func(n int) spec.Definitions {
		var defs spec.Definitions
		for i := range n {
			defs.Webhooks = append(defs.Webhooks, spec.Webhook{Name: fmt.Sprint("w", i), URL: "env:URL", Format: "slack"})
		}
		return defs
	}
	if found := spec.Validate(many(100), spec.Source{}); len(found) > 0 {
		t.Error(found)
	}
	if got, want := spec.Validate(many(102), spec.Source{}).Error(), `webhooks[100]: webhook "w100": there are 102 webhooks: at most 100 are allowed`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// toldRoute is aroundRoute with two webhooks.
var toldRoute = strings.Replace(aroundRoute, "groups:", "webhooks:\n  - {name: oncall, url: env:U, secret: env:S}\n  - {name: chat, url: env:C, format: slack}\ngroups:", 1)

func TestWhoIsToldOfARoute(t *testing.T) {
	for line, want := range map[string]string{
		"":                        "",
		"notify: [oncall, chat]":  "",
		"notify: []":              `f.yaml:14:13: route "r": notify is empty: leave it out for every webhook, or name some`,
		"notify: ['']":            `f.yaml:14:14: route "r": the name of a webhook is empty: write one that is defined under webhooks`,
		"notify: [chat, chat]":    `f.yaml:14:20: route "r": the webhook "chat" occurs twice: write it once`,
		"notify: [chat, on-call]": `f.yaml:14:20: route "r": the webhook "on-call" is not defined; did you mean oncall?`,
		"notify: [somebody]":      `f.yaml:14:14: route "r": the webhook "somebody" is not defined`,
		"notify: [" + strings.Repeat("chat, ", 101) + "]": `f.yaml:14:13: route "r": notify has 101 entries: at most 100 are allowed`,
		"notify: oncall": `f.yaml:14:13: routes[0].notify is the value "oncall": want a list, like [a, b]`,
	} {
		if got := problems(t, fmt.Sprintf(toldRoute, line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
	all, chat := spec.Route{}, spec.Route{Notify: []string{"chat"}}
	if !all.Notifies("oncall") || !chat.Notifies("chat") || chat.Notifies("oncall") {
		t.Error("a route is told of where it says, and everywhere where it says nothing")
	}
}

func TestWhatAWebhookIsToldOf(t *testing.T) {
	if got := (spec.Webhook{On: []string{"rollback", "freeze"}}).Verbs(); !slices.Equal(got, []rollout.Verb{rollout.VerbRollback, rollout.VerbFreeze}) {
		t.Errorf("got %v", got)
	}
	for _, verb := range (spec.Webhook{}).Verbs() {
		if found := spec.Validate(spec.Definitions{Webhooks: []spec.Webhook{
			{Name: "w", URL: "env:U", Format: spec.FormatSlack, On: []string{string(verb)}},
		}}, spec.Source{}); len(found) > 0 {
			t.Error(found)
		}
	}
	if got, want := (spec.Webhook{}).Kind(), spec.FormatStandard; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAWebhookThatIsNamedCannotBeRemoved(t *testing.T) {
	defs, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, toldRoute, "notify: [chat]"))
	if err != nil {
		t.Fatal(err)
	}
	current := spec.Current{Definitions: defs}
	_, err = spec.Remove(current, spec.KindWebhook, "chat")
	if want := `webhook "chat": it is still named by r: change or remove that first`; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err = spec.Remove(current, spec.KindWebhook, "chta"); fmt.Sprint(err) != `webhook "chta": it is not defined; did you mean chat?` {
		t.Errorf("got %v", err)
	}
	next, err := spec.Remove(current, spec.KindWebhook, "oncall")
	if err != nil {
		t.Fatal(err)
	}
	changes := spec.Diff(defs, next)
	if len(changes) != 1 || changes[0].Kind != "webhook" || changes[0].Name != "oncall" || changes[0].Op != spec.Removed ||
		string(changes[0].Before) != `{"name":"oncall","url":"env:U","secret":"env:S"}` {
		t.Errorf("got %+v", changes)
	}
}

func TestWebhooksArePrunedWithTheRest(t *testing.T) {
	defs, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, toldRoute, "notify: [chat]"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := spec.Apply(spec.Current{}, defs, spec.Source{}, false)
	if err != nil {
		t.Fatal(err)
	}
	file := kept
	file.Webhooks = slices.DeleteFunc(slices.Clone(kept.Webhooks), func(w spec.Webhook) bool { return w.Name == "oncall" })
	for prune, want := range map[bool]int{false: 2, true: 1} {
		after, err := spec.Apply(spec.Current{Definitions: kept}, file, spec.Source{}, prune)
		if err != nil || len(after.Webhooks) != want {
			t.Errorf("prune %v: %d webhooks, %v", prune, len(after.Webhooks), err)
		}
	}
	file.Webhooks = nil
	_, err = spec.Apply(spec.Current{Definitions: kept}, file, spec.Source{}, true)
	if want := `routes[0].notify[0]: route "r": the webhook "chat" is not defined`; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDigestsOfWebhooks(t *testing.T) {
	digest := func(w spec.Webhook) string { return spec.Definitions{Webhooks: []spec.Webhook{w}}.Digest() }
	if a, b := digest(spec.Webhook{Name: "w", Format: "standard", On: []string{"undo", "pause"}}), digest(spec.Webhook{Name: "w", On: []string{"pause", "undo"}}); a != b {
		t.Error("the format that is not written, and verbs in another order, make a difference")
	}
	if a, b := digest(spec.Webhook{Name: "w", Format: "slack"}), digest(spec.Webhook{Name: "w"}); a == b {
		t.Error("another format makes no difference")
	}
}
