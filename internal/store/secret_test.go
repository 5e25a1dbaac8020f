package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// TestPasswordNeverAppears plants a password in every kind of wrong URL and
// looks for it, and for each of its parts, in every error and log line.
func TestPasswordNeverAppears(t *testing.T) {
	good, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	host, user := good.Host, good.User.Username()
	for name, address := range map[string]string{
		"wrong password":               "postgres://" + user + ":hunter2secret@" + host + good.Path,
		"unknown user":                 "postgres://nobody:hunter2secret@" + host + good.Path,
		"unknown host":                 "postgres://u:hunter2secret@no-such-host.invalid/db",
		"closed port":                  "postgres://u:hunter2secret@127.0.0.1:1/db",
		"port is a word":               "postgres://u:hunter2secret@127.0.0.1:port/db",
		"bad sslmode":                  "postgres://u:hunter2secret@127.0.0.1:1/db?sslmode=maybe",
		"missing certificate":          "postgres://u:hunter2secret@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/nowhere",
		"bad escape":                   "postgres://u:hunter2%zzsecret@127.0.0.1:1/db",
		"bad escape of the database":   "postgres://u:hunter2secret@127.0.0.1:1/%zz",
		"slash in the password":        "postgres://u:hunter2/secret@127.0.0.1:1/db",
		"slash behind digits":          "postgres://u:12/hunter2secret@127.0.0.1:1/db",
		"question mark":                "postgres://u:hunter2?secret@127.0.0.1:1/db",
		"hash":                         "postgres://u:hunter2#secret@127.0.0.1:1/db",
		"hash behind digits":           "postgres://u:12#hunter2/secret@127.0.0.1:1/db",
		"at sign":                      "postgres://u:hunter2@secret@127.0.0.1:1/db",
		"space":                        "postgres://u:hunter2 secret@127.0.0.1:1/db",
		"NUL":                          "postgres://u:hunter2\x00secret@127.0.0.1:1/db",
		"backquote":                    "postgres://u:hunter2`: secret@127.0.0.1:x/db",
		"no scheme":                    "u:hunter2secret@127.0.0.1/db",
		"other scheme":                 "mysql://u:hunter2secret@127.0.0.1/db",
		"scheme with a typo":           "postgress://u:hunter2secret@127.0.0.1/db",
		"upper case":                   "POSTGRES://u:hunter2secret@127.0.0.1/db",
		"no slashes":                   "postgres:u:hunter2secret@127.0.0.1/db",
		"one slash":                    "postgres:/u:hunter2secret@127.0.0.1/db",
		"password as parameter":        "postgres://127.0.0.1:1/db?user=u&password=hunter2secret",
		"bad pool parameter":           "postgres://u:hunter2secret@127.0.0.1:1/db?pool_max_conns=hunter2",
		"two hosts":                    "postgres://u:hunter2secret@127.0.0.1:1,127.0.0.1:2/db",
		"unknown parameter":            "postgres://" + user + ":hunter2secret@" + host + good.Path + "?colour=blue",
		"driver's scheme of migrating": "pgx5://u:hunter2secret@127.0.0.1/db",
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range everythingSaid(t, address) {
				for _, part := range []string{"hunter2", "secret"} {
					if strings.Contains(text, part) {
						t.Errorf("%q appears in: %s", part, text)
					}
				}
			}
		})
	}
}

// everythingSaid opens, uses and migrates a URL that does not work, and returns
// all that was said about it.
func everythingSaid(t *testing.T, address string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var log bytes.Buffer
	var said []string
	say := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("a URL that cannot work worked")
			return
		}
		said = append(said, err.Error())
	}
	s, err := store.Open(ctx, address, store.Options{Migrate: true, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		say(err)
	} else {
		_, err := s.Load(ctx, nil)
		say(err)
		say(s.Listen(ctx, func() {}))
		said = append(said, s.URL())
		if !errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		if err := s.Close(); err != nil {
			say(err)
		}
	}
	migrator, err := store.Migrate(address)
	if err != nil {
		say(err)
	} else {
		_, err := migrator.Status(ctx)
		say(err)
		_, err = migrator.Up(ctx)
		say(err)
	}
	return append(said, log.String())
}

func TestListenAddressIsCheckedWithoutShowingIt(t *testing.T) {
	_, err := store.Open(t.Context(), pgtest.URL(t), store.Options{DatabaseListen: "postgres://u:hunter2secret@127.0.0.1:x/db"})
	if err == nil || strings.Contains(err.Error(), "hunter2secret") || !strings.Contains(err.Error(), "LISTEN") {
		t.Errorf("error %v, want one about the address for LISTEN without its password", err)
	}
}

func TestURLNamesTheStore(t *testing.T) {
	address := pgtest.URL(t)
	s := open(t, address, store.Options{Migrate: true})
	want, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	want.User = url.User(want.User.Username())
	if got := s.URL(); got != want.String() {
		t.Errorf("URL %s, want %s", got, want)
	}
}
