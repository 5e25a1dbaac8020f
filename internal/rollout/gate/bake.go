package gate

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/spoken"
)

func bake(in Input) Finding {
	f := Finding{Gate: NameBake, Verdict: sequential.Insufficient}
	if in.Bake <= 0 {
		f.Verdict, f.Text = sequential.Pass, "no bake time is asked for"
		return f
	}
	if in.Since.IsZero() {
		f.Text, f.Missing = "when it came to this step is not known", "needs the time at which it came to this step"
		return f
	}
	watched := min(in.Bake, max(0, in.Now.Sub(in.Since)))
	f.Have = uint64(watched / time.Second)
	if watched >= in.Bake {
		f.Verdict, f.Text = sequential.Pass, "watched for "+spoken.Duration(in.Bake)
		return f
	}
	f.Wait = in.Bake - watched
	f.Text = "watched for " + spoken.Duration(watched.Truncate(time.Second)) + " of " + spoken.Duration(in.Bake)
	f.Missing = spoken.Wait(f.Wait) + " more"
	return f
}
