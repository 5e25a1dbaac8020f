package spec

import (
	"net/url"
	"strings"
)

// URLHidden begins an address that was cut. No definition may have such a one: what
// was cut is not applied by mistake.
const URLHidden = "hidden:"

// Host leaves of the webhook's address what is no secret: who is asked. With Slack
// and its like whoever has the rest may write there.
func (w Webhook) Host() string {
	if strings.HasPrefix(w.URL, SecretEnv) || strings.HasPrefix(w.URL, SecretFile) {
		return w.URL
	}
	u, err := url.Parse(w.URL)
	if err != nil {
		return "" // only a newer router has stored what cannot be read
	}
	return u.Scheme + "://" + u.Host
}

// Cut is the webhook without what may be a secret: for those who may not change it,
// and for the history, out of which nobody can take anything.
func (w Webhook) Cut() Webhook {
	if host := w.Host(); host != w.URL && !strings.HasPrefix(w.URL, URLHidden) {
		w.URL = URLHidden + host
	}
	return w
}
