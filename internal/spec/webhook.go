package spec

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// Webhook is an address that is told what became of routes.
type Webhook struct {
	Name   string   `json:"name" yaml:"name"`
	URL    string   `json:"url" yaml:"url"`                           // http:// or https://; or env:NAME, file:/path
	Format string   `json:"format,omitempty" yaml:"format,omitempty"` // "" or standard, slack
	Secret string   `json:"secret,omitempty" yaml:"secret,omitempty"` // env:NAME, file:/path; of format standard alone
	On     []string `json:"on,omitempty" yaml:"on,omitempty"`         // verbs; empty: all that webhooks are told of
}

// The formats of webhooks.
const (
	FormatStandard = "standard" // Standard Webhooks, signed; what is not written
	FormatSlack    = "slack"    // text as Slack and its like take it
)

// Where what a definition must not hold, because every viewer sees it, is kept.
const (
	SecretEnv  = "env:"  // a variable of each router's environment
	SecretFile = "file:" // a file on each router's machine
)

// What webhooks may be at most.
const (
	maxWebhooks = 100
	maxURL      = 2048 // bytes
)

// Kind returns the webhook's format, which is FormatStandard unless it is written.
func (w Webhook) Kind() string {
	if w.Format == "" {
		return FormatStandard
	}
	return w.Format
}

// Verbs returns what the webhook is told of.
func (w Webhook) Verbs() []rollout.Verb {
	if len(w.On) == 0 {
		return toldVerbs()
	}
	var verbs []rollout.Verb
	for _, verb := range w.On {
		verbs = append(verbs, rollout.Verb(verb))
	}
	return verbs
}

// toldVerbs are those that webhooks can be told of.
func toldVerbs() []rollout.Verb {
	return []rollout.Verb{
		rollout.VerbPromote, rollout.VerbPause, rollout.VerbResume, rollout.VerbRollback, rollout.VerbRetire, rollout.VerbUndo,
		rollout.VerbFreeze, rollout.VerbUnfreeze, rollout.VerbAutopilotOn, rollout.VerbAutopilotOff,
	}
}

// Notifies reports whether a webhook is told of the route.
func (r Route) Notifies(webhook string) bool {
	return len(r.Notify) == 0 || slices.Contains(r.Notify, webhook)
}

func (w *Webhook) normalize() {
	if w.Format == FormatStandard {
		w.Format = ""
	}
	w.On = sortedBy(w.On, func(verb string) string { return verb })
}

func checkWebhooks(webhooks []Webhook, found *findings) {
	for i, w := range webhooks {
		found.object(KindWebhook, w.Name, i)
		if i == maxWebhooks {
			found.add("", CodeWebhook, "there are %d webhooks: at most %d are allowed", len(webhooks), maxWebhooks)
			return
		}
		w.check(found)
	}
}

func (w Webhook) check(found *findings) {
	if fault := webhookURLFault(w.URL); fault != "" {
		found.add("url", CodeWebhook, "the url %s", fault)
	}
	if format := w.Kind(); format != FormatStandard && format != FormatSlack {
		found.add("format", CodeWebhook, "format is %q: write standard or slack", w.Format)
	} else if fault := secretFault(format, w.Secret); fault != "" {
		found.add("secret", CodeWebhook, "%s", fault)
	}
	w.checkVerbs(found)
}

// wantKept is how a definition names what it must not hold itself.
const wantKept = "env:NAME for a variable of the routers' environment, or file:/PATH for a file on their machines"

// webhookURLFault says what is wrong with the address of a webhook; empty:
// nothing. It repeats neither path nor query: with Slack and its like those are
// the secret.
func webhookURLFault(text string) string {
	const want = "write https://HOST/PATH; where the address itself is a secret, " + wantKept
	if fault, kept := keptFault(text); kept {
		return fault
	}
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "is missing: " + want
	case strings.HasPrefix(text, URLHidden):
		return "was cut for somebody who may not change definitions: write all of it, or export with the role admin"
	case len(text) > maxURL:
		return fmt.Sprintf("has %d bytes: at most %d are allowed", len(text), maxURL)
	case strings.ContainsFunc(text, func(r rune) bool { return r == ' ' || unprintable(r) }):
		return "contains a space or a control character: " + want
	case err != nil:
		return "is not one: " + want
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https: " + want
	case u.User != nil:
		return "carries a user or password, and definitions are shown to every viewer: write " + wantKept
	case u.Hostname() == "":
		return "has no host: " + want
	case strings.Contains(text, "#"):
		return "has a fragment, which no server ever sees: leave it out"
	case !validPort(u):
		return "has a port that is not one: write a number from 1 to 65535"
	}
	if err := checkHost(u.Hostname()); err != nil {
		return fmt.Sprintf("is refused: %v", err)
	}
	return ""
}

// secretFault says what is wrong with where a webhook's secret is kept; empty:
// nothing. It never repeats what may be the secret itself.
func secretFault(format, secret string) string {
	fault, kept := keptFault(secret)
	switch {
	case format == FormatSlack && secret != "":
		return "it has a secret and format slack, which signs nothing: leave it out"
	case format == FormatSlack:
		return ""
	case secret == "":
		return "it has no secret to sign with: write " + wantKept + "; or format: slack, which is not signed"
	case !kept:
		return "the secret stands in the definitions, which are shown to every viewer: write " + wantKept
	case fault != "":
		return "the secret " + fault
	default:
		return ""
	}
}

// keptFault says whether a text names where a value is kept, and what is wrong
// with that; empty: nothing.
func keptFault(text string) (fault string, kept bool) {
	variable, inEnvironment := strings.CutPrefix(text, SecretEnv)
	path, inFile := strings.CutPrefix(text, SecretFile)
	switch {
	case inEnvironment && !isVariable(variable):
		return "names no environment variable: what follows env: has letters, digits and '_' and no digit first, as in env:ONCALL_SECRET", true
	case inFile && path == "":
		return "names no file: write the whole path, like file:/etc/strangler/oncall", true
	case inFile && pathFault(path) != "":
		return "names no file: the path " + pathFault(path), true
	default:
		return "", inEnvironment || inFile
	}
}

// isVariable reports whether a text can be the name of an environment variable.
func isVariable(name string) bool {
	return name != "" && (name[0] < '0' || name[0] > '9') &&
		!strings.ContainsFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '_' })
}

func (w Webhook) checkVerbs(found *findings) {
	if w.On != nil && len(w.On) == 0 {
		found.add("on", CodeWebhook, "on is empty: leave it out to be told of everything")
	}
	var known []string
	for _, verb := range toldVerbs() {
		known = append(known, string(verb))
	}
	if found.tooMany("on", CodeWebhook, len(w.On), maxCauses) {
		return
	}
	for i, verb := range w.On {
		field := fmt.Sprintf("on[%d]", i)
		switch {
		case !slices.Contains(known, verb):
			hint := didYouMean(rollout.Near(verb, known))
			if hint == "" {
				hint = "; write some of " + strings.Join(known, ", ")
			}
			found.add(field, CodeWebhook, "no webhook is told of %q%s", verb, hint)
		case slices.Contains(w.On[:i], verb):
			found.add(field, CodeDuplicate, "the verb %s occurs twice: write it once", verb)
		}
	}
}

// checkNotify finds webhooks that are not there, and those that are named twice.
func (r Route) checkNotify(webhooks *references, found *findings) {
	if r.Notify != nil && len(r.Notify) == 0 {
		found.add("notify", CodeNotify, "notify is empty: leave it out for every webhook, or name some")
	}
	if found.tooMany("notify", CodeNotify, len(r.Notify), maxWebhooks) {
		return
	}
	for i, webhook := range r.Notify {
		field := fmt.Sprintf("notify[%d]", i)
		switch {
		case webhook == "":
			found.add(field, CodeNotify, "the name of a webhook is empty: write one that is defined under webhooks")
		case slices.Contains(r.Notify[:i], webhook):
			found.add(field, CodeDuplicate, "the webhook %q occurs twice: write it once", webhook)
		default:
			webhooks.check(field, webhook, found)
		}
	}
}
