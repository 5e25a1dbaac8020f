package guard_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestDefaultsAreValid(t *testing.T) {
	for name, timeouts := range map[string]guard.Timeouts{"legacy": guard.LegacyTimeouts(), "new": guard.NewTimeouts()} {
		if err := timeouts.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultedFillsOnlyWhatIsMissing(t *testing.T) {
	got := guard.Timeouts{Read: time.Second, Stream: time.Minute}.Defaulted(guard.NewTimeouts())
	want := guard.NewTimeouts()
	want.Read, want.Stream = time.Second, time.Minute
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (guard.Timeouts{}).Defaulted(guard.LegacyTimeouts()); got != guard.LegacyTimeouts() {
		t.Errorf("nothing written: %+v", got)
	}
}

func TestTimeoutsThatContradict(t *testing.T) {
	tests := []struct {
		change func(*guard.Timeouts)
		want   string
	}{
		{func(t *guard.Timeouts) { t.Connect = 0 }, "timeout connect is 0s: it must be positive"},
		{func(t *guard.Timeouts) { t.Stream = -time.Second }, "timeout stream is -1s: it must be positive"},
		{func(t *guard.Timeouts) { t.Read = 16 * time.Second }, "timeout read (16s) is longer than whole (15s): a single try cannot outlast the exchange"},
		{func(t *guard.Timeouts) { t.Whole = 10 * time.Second }, "timeout write (15s) is longer than whole (10s): a single try cannot outlast the exchange"},
	}
	for _, test := range tests {
		timeouts := guard.NewTimeouts()
		test.change(&timeouts)
		if err := timeouts.Validate(); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestClasses(t *testing.T) {
	tests := []struct {
		class   guard.Class
		name    string
		backend bool
	}{
		{guard.OK, "ok", false},
		{guard.NotSent, "not_sent", true},
		{guard.NoResponse, "no_response", true},
		{guard.Timeout, "timeout", true},
		{guard.Failure, "failure", true},
		{guard.BadResponse, "bad_response", true},
		{guard.Broken, "broken", true},
		{guard.ClientFault, "client_fault", false},
		{guard.ClientGone, "client_gone", false},
		{guard.ClientGone + 1, "unknown", false},
	}
	for _, test := range tests {
		if test.class.String() != test.name || test.class.BackendFault() != test.backend {
			t.Errorf("class %d is %s, backend's fault %t", test.class, test.class, test.class.BackendFault())
		}
	}
}
