package api

import (
	"encoding/json"
	"slices"

	"github.com/stranglerfig/strangler/internal/spec"
)

// cutWebhooks are webhooks as they are shown to those who may not change them.
func cutWebhooks(webhooks []spec.Webhook) []spec.Webhook {
	webhooks = slices.Clone(webhooks)
	for i := range webhooks {
		webhooks[i] = webhooks[i].Cut()
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
	written, err := json.Marshal(webhook.Cut()) //nolint:gosec // its secret is the name of where one is kept
	if err != nil {
		return nil
	}
	return written
}
