package store_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

// What a newer router has stored of a webhook is not logged: its address may be a secret.
func TestUnreadableWebhookKeepsItsAddressFromTheLog(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		var log bytes.Buffer
		s := open(t, url, store.Options{Migrate: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		_, err := s.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(spec.Current) (spec.Definitions, error) {
			return spec.Definitions{Webhooks: []spec.Webhook{{Name: "chat", URL: "https://chat.example.com/hunter2", Format: spec.FormatSlack}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		behind(t, url, `UPDATE webhooks SET definition = '{"name": "chat", "url": "https://chat.example.com/hunter2", "on": {"all": true}}'`)
		loaded, err := s.Load(t.Context(), nil)
		if err != nil || len(loaded.Definitions.Webhooks) != 1 || loaded.Definitions.Webhooks[0].Name != "chat" {
			t.Errorf("%+v, %v; want the webhook by its name", loaded, err)
		}
		if text := log.String(); !strings.Contains(text, "kind=webhook name=chat") || strings.Contains(text, "hunter2") {
			t.Errorf("the log is %s", text)
		}
	})
}
