package auth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
)

// written is a key as the environment has it.
func written(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(fill)), 32)))
}

func parse(t *testing.T, text string) *auth.OverrideKeys {
	t.Helper()
	keys, err := auth.ParseOverrideKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sign(t *testing.T, keys *auth.OverrideKeys, ttl time.Duration, now time.Time) (auth.Override, string) {
	t.Helper()
	override, value, err := keys.Sign("orders.v2", "new", ttl, now)
	if err != nil {
		t.Fatal(err)
	}
	return override, value
}

func TestSignedOverrideIsBelievedUntilItExpires(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 700, time.UTC)
	override, value := sign(t, parse(t, written("k1", 'a')), 2*time.Hour, now)
	if want := time.Date(2026, 1, 1, 14, 0, 0, 0, time.UTC); override.Route != "orders.v2" || override.Side != "new" || !override.Expires.Equal(want) || len(override.ID) != 8 {
		t.Errorf("signed %+v, want new of orders.v2 until %s", override, want)
	}
	if !strings.HasPrefix(value, "v1.k1."+override.ID+".new.1767276000.orders.v2.") {
		t.Errorf("the value is %s", value)
	}
	if cookie, err := http.ParseSetCookie(auth.OverrideCookie + "=" + value); err != nil || cookie.Value != value {
		t.Errorf("as a cookie it is %v, %v", cookie, err)
	}
	elsewhere := parse(t, written("k2", 'b')+" , "+written("k1", 'a')) // another router of the fleet, after a rotation
	if got, err := elsewhere.Verify(value, override.Expires.Add(-time.Nanosecond)); err != nil || got != override {
		t.Errorf("verified as %+v, %v; want %+v", got, err, override)
	}
	if _, err := elsewhere.Verify(value, override.Expires); !errors.Is(err, auth.ErrOverrideExpired) {
		t.Errorf("at its end: %v, want ErrOverrideExpired", err)
	}
}

func TestNoByteOfAnOverrideCanChange(t *testing.T) {
	now := time.Now()
	keys := parse(t, written("k1", 'a'))
	_, value := sign(t, keys, time.Hour, now)
	for i := range value {
		for _, other := range []byte("AQ0._-~") {
			if value[i] == other {
				continue
			}
			changed := value[:i] + string(other) + value[i+1:]
			if got, err := keys.Verify(changed, now); err == nil {
				t.Fatalf("%s is believed as %+v", changed, got)
			}
		}
		if _, err := keys.Verify(value[:i], now); err == nil {
			t.Fatalf("%s is believed", value[:i])
		}
	}
}

func TestOverrideErrorsTellApart(t *testing.T) {
	now := time.Now()
	keys := parse(t, written("k1", 'a'))
	_, value := sign(t, keys, time.Hour, now)
	sum := value[strings.LastIndexByte(value, '.')+1:]
	for name, c := range map[string]struct {
		keys  *auth.OverrideKeys
		value string
		want  error
	}{
		"nothing":        {keys, "", auth.ErrOverrideMalformed},
		"no dots":        {keys, "new", auth.ErrOverrideMalformed},
		"too few parts":  {keys, "v1.k1.new." + sum, auth.ErrOverrideMalformed},
		"other version":  {keys, "v2" + value[2:], auth.ErrOverrideMalformed},
		"short sum":      {keys, value[:len(value)-4], auth.ErrOverrideMalformed},
		"endless":        {keys, strings.Repeat("x.", 1<<20) + sum, auth.ErrOverrideMalformed},
		"other side":     {keys, strings.Replace(value, ".new.", ".legacy.", 1), auth.ErrOverrideSignature},
		"other route":    {keys, strings.Replace(value, "orders", "carts", 1), auth.ErrOverrideSignature},
		"later":          {keys, strings.Replace(value, ".new.1", ".new.2", 1), auth.ErrOverrideSignature},
		"other secret":   {parse(t, written("k1", 'b')), value, auth.ErrOverrideSignature},
		"key taken away": {parse(t, written("k2", 'a')), value, auth.ErrOverrideKey},
		"no keys at all": {new(auth.OverrideKeys), value, auth.ErrOverrideKey},
	} {
		if got, err := c.keys.Verify(c.value, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestOverridesThatAreNotSigned(t *testing.T) {
	keys := parse(t, written("k1", 'a'))
	for name, c := range map[string]struct {
		route, side string
		ttl         time.Duration
		says        string
	}{
		"no route":      {"", "new", time.Hour, `"" is not the name of a route`},
		"not a name":    {"orders;get", "new", time.Hour, `"orders;get" is not the name of a route`},
		"no such side":  {"orders", "left", time.Hour, `side "left": a side is legacy or new`},
		"too long":      {"orders", "new", 24*time.Hour + 1, "24h0m0.000000001s is not how long"},
		"no time":       {"orders", "new", 0, "0s is not how long"},
		"negative time": {"orders", "new", -time.Hour, "-1h is not how long"},
	} {
		_, value, err := keys.Sign(c.route, c.side, c.ttl, time.Now())
		if value != "" || !errors.Is(err, auth.ErrOverride) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v; want %q", name, value, err, c.says)
		}
	}
	longest := strings.Repeat("r", 100)
	_, value, err := parse(t, written(strings.Repeat("k", 32), 'a')).Sign(longest, "legacy", auth.OverrideLimit, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parse(t, written(strings.Repeat("k", 32), 'a')).Verify(value, time.Now()); err != nil || got.Route != longest {
		t.Errorf("the longest override is %+v, %v", got, err)
	}
}

func TestKeysOfTheEnvironmentAreFixed(t *testing.T) {
	keys := parse(t, written("k2", 'b')+","+written("k1", 'a'))
	if got := fmt.Sprint(keys.IDs()); got != "[k2 k1]" {
		t.Errorf("ids %s, want k2 first", got)
	}
	if err := keys.Rotate(); !errors.Is(err, auth.ErrOverrideKeysFixed) {
		t.Errorf("rotate: %v, want ErrOverrideKeysFixed", err)
	}
	none := new(auth.OverrideKeys)
	if _, _, err := none.Sign("orders", "new", time.Hour, time.Now()); !errors.Is(err, auth.ErrNoOverrideKeys) {
		t.Errorf("sign without keys: %v, want ErrNoOverrideKeys", err)
	}
	if err := none.Rotate(); !errors.Is(err, auth.ErrNoOverrideKeys) || len(none.IDs()) != 0 {
		t.Errorf("rotate without keys: %v, want ErrNoOverrideKeys", err)
	}
}

func TestKeysThatAreNotKeysRepeatNoSecret(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	for text, says := range map[string]string{
		"":                                     "number 1: it has no colon",
		secret:                                 "number 1: it has no colon",
		secret + ":k1":                         "number 1: its id is not up to 32 letters",
		":" + secret:                           "number 1: its id is not up to 32 letters",
		"k.1:" + secret:                        "number 1: its id is not up to 32 letters",
		"k1:" + secret[:10]:                    `number 1: key "k1" is not base64`,
		"k1:" + secret[:8]:                     `number 1: key "k1" has 6 bytes`,
		"k1:" + secret + ",":                   "number 2: it has no colon",
		"k1:" + secret + ",k1:" + secret:       `number 2: another one has the id "k1"`,
		strings.Repeat("x", 33) + ":" + secret: "number 1: its id is not up to 32 letters",
	} {
		_, err := auth.ParseOverrideKeys(text)
		if !errors.Is(err, auth.ErrOverrideKeys) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), secret[:8]) {
			t.Errorf("%q: %v repeats the secret", text, err)
		}
	}
}

func TestKeysOfAFileAreMadeOnFirstNeedAndRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", auth.OverrideKeysFile)
	open := func() *auth.OverrideKeys {
		t.Helper()
		keys, err := auth.OpenOverrideKeys(path)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	keys, now := open(), time.Now()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || len(keys.IDs()) != 0 {
		t.Errorf("before the first need there are keys %v, %v", keys.IDs(), err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _, _ = keys.Sign("orders", "new", time.Hour, now) })
	}
	all.Wait()
	override, value := sign(t, keys, time.Hour, now)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || len(keys.IDs()) != 1 {
		t.Fatalf("the file is %v, %v, with keys %v; want one key, mode 0600", info, err, keys.IDs())
	}
	first := keys.IDs()[0]
	if err := keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	if ids := open().IDs(); len(ids) != 2 || ids[0] == first || ids[1] != first {
		t.Errorf("after a rotation the file has %v, want a new key before %s", ids, first)
	}
	if got, err := open().Verify(value, now); err != nil || got != override {
		t.Errorf("after a restart: %+v, %v; want %+v", got, err, override)
	}
	for range 7 {
		if err := keys.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keys.Verify(value, now); !errors.Is(err, auth.ErrOverrideKey) || len(open().IDs()) != 8 {
		t.Errorf("after eight rotations: %v with %v, want the first key gone", err, open().IDs())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v; want the file alone", left, err)
	}
}

func TestFileOfKeysThatCannotBeUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), auth.OverrideKeysFile)
	write := func(text string, mode os.FileMode) error {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		_, err := auth.OpenOverrideKeys(path)
		return err
	}
	if err := write(written("k1", 'a'), 0o640); !errors.Is(err, auth.ErrOverrideKeys) || !strings.Contains(err.Error(), "mode 0640") {
		t.Errorf("a file that others may read: %v", err)
	}
	if err := write("rubbish", 0o600); !errors.Is(err, auth.ErrOverrideKeys) || !strings.Contains(err.Error(), path) {
		t.Errorf("a file of something else: %v", err)
	}
	if err := write("\n", 0o600); err != nil {
		t.Errorf("an empty file: %v, want no keys", err)
	}
	below := filepath.Join(path, "below", auth.OverrideKeysFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	keys, err := auth.OpenOverrideKeys(below)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // where a folder is wanted
		t.Fatal(err)
	}
	if _, value, err := keys.Sign("orders", "new", time.Hour, time.Now()); err == nil || value != "" || len(keys.IDs()) != 0 {
		t.Errorf("a key that cannot be kept signed %q, %v", value, err)
	}
}
