# What two reports of natprobe punch --json, $a and $b, do not agree about, and what is not $want; for
# tests/sys_punch_pairs.sh.

def hex: explode | reduce .[] as $c (0; . * 16 + if $c > 96 then $c - 87 else $c - 48 end);

# As IPv4 where a NAT64 stands behind it.
def plain: if . == null then . else
	(capture("^\\[64:ff9b::(?<high>[0-9a-f]+):(?<low>[0-9a-f]+)\\](?<port>:.*)") |
		[(.high, .low) | hex | (. / 256 | floor, . % 256)] as $bytes |
		($bytes | map(tostring) | join(".")) + .port) // . end;

def unless_equal(what; $x; $y): if $x == $y then empty else what + ": \($x) and \($y)" end;
def unless_near(what; $x; $y; $bound):
	if ($x - $y | fabs) <= $bound then empty else what + ": \($x) and \($y), not within \($bound)" end;
def turned: {"ours": "theirs", "theirs": "ours"}[.] // .;
def is_in($list): . as $x | $list | split(" ") | index($x) != null;

# By hand nothing comes back.
def evidence_of($carrier): $carrier != "hand" | [., .];

def path_of($carrier; $x; $y):
	unless_equal("transport"; $x.path.transport; $y.path.transport),
	unless_equal("relayed"; $x.path.relayed; $y.path.relayed),
	unless_equal("step"; $x.path.step; $y.path.step),
	unless_equal("path from a"; $x.path.outer | plain; $y.path.remote | plain),
	unless_equal("path from b"; $y.path.outer | plain; $x.path.remote | plain),
	unless_equal("their evidence"; [$x.their_evidence, $y.their_evidence]; evidence_of($carrier)),
	unless_near("skew"; $x.skew_ms; $y.skew_ms; $x.skew_error_ms + $y.skew_error_ms),
	unless_near("time to path"; $x.to_path_ms; $y.to_path_ms;
		[$x.to_path_error_ms, $y.to_path_error_ms] | max),
	unless_near("round trip"; $x.quality.rtt_median_ms; $y.quality.rtt_median_ms;
		$x.quality.rtt_error_ms + $y.quality.rtt_error_ms),
	(($x.quality, $y.quality) | if .answered > 0 then empty else "no round trip" end);

def reason_of($x; $y):
	unless_equal("reason"; $x.overall.reason; $y.overall.reason),
	unless_equal("whose network"; $x.overall.side; $y.overall.side | turned);

$a[0] as $a | $b[0] as $b | $a.trials[0] as $x | $b.trials[0] as $y |
[
	unless_equal("key"; $a.run; $b.run),
	unless_equal("carrier"; $a.carrier; $b.carrier),
	unless_equal("roles"; [$a.role, $b.role] | sort; ["a", "b"]),
	unless_equal("strategy"; $x.strategy; $y.strategy),
	unless_equal("exit codes"; $status; "\($a.exit_code) \($b.exit_code)"),
	unless_equal("steps"; [$x.steps[] | .strategy, .reason]; [$y.steps[] | .strategy, .reason]),
	(if $x.strategy != "none" then $x.strategy else $x.overall.reason end |
		if is_in($want) then empty else "it came to \(.), not \($want)" end),
	if $x.path == null then
		unless_equal("exit codes"; $status; "1 1"),
		reason_of($x; $y)
	else
		unless_equal("exit codes"; $status; "0 0"),
		path_of($a.carrier; $x; $y)
	end
] | join("; ")
