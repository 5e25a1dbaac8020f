package api

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/spec"
)

// hostOnly leaves of a webhook's address what is no secret: who is asked. With
// Slack and its like whoever has the rest may write there.
func hostOnly(address string) string {
	if strings.HasPrefix(address, spec.SecretEnv) || strings.HasPrefix(address, spec.SecretFile) {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "" // only a newer router has stored what cannot be read
	}
	return u.Scheme + "://" + u.Host
}

func cutAddress(address string) string {
	if cut := hostOnly(address); cut != address {
		return spec.URLHidden + cut
	}
	return address
}

// cutWebhooks are webhooks as they are shown to those who may not change them.
func cutWebhooks(webhooks []spec.Webhook) []spec.Webhook {
	webhooks = slices.Clone(webhooks)
	for i := range webhooks {
		webhooks[i].URL = cutAddress(webhooks[i].URL)
	}
	return webhooks
}

// cutDefinition is the definition of a webhook as the history shows it. What
// cannot be read as one is not shown at all.
func cutDefinition(text json.RawMessage) json.RawMessage {
	var webhook *spec.Webhook
	if err := json.Unmarshal(text, &webhook); err != nil || webhook == nil {
		return nil
	}
	webhook.URL = cutAddress(webhook.URL)
	written, err := json.Marshal(webhook) //nolint:gosec // its secret is the name of where one is kept
	if err != nil {
		return nil
	}
	return written
}
