# %% [markdown]
# # A scenario as numpy arrays
#
# What would have happened, without sending any of it: `simulate` gives columns, block by block,
# and numpy does the rest. Open this file as a notebook (Jupyter with jupytext, or any editor that
# knows `# %%`), or run it: `python examples/notebook.py` from the checkout.

# %%
import numpy as np

from simtraffic import load_scenario, simulate

scenario = load_scenario("scenarios/ramp.yaml")
blocks = list(simulate(scenario, start="2026-01-01T00:00:00Z"))
print(f"{scenario.name}: {sum(map(len, blocks)):,} requests in {len(blocks)} blocks")

# %% [markdown]
# A block has three tables: a row for each request, for each operation inside them, and for each
# HTTP call to a provider. Times are whole nanoseconds since the start, money is in 1e-12 US
# dollars, so that sums are exact.


# %%
def column(table: str, name: str) -> np.ndarray:
    """One column of all blocks."""
    return np.concatenate([getattr(getattr(block, table), name) for block in blocks])


due_s = column("requests", "due_ns") / 1e9
took_s = (column("requests", "end_ns") - column("requests", "due_ns")) / 1e9
failed = column("requests", "error") != 0
flow = column("requests", "flow")
cost_usd = column("requests", "cost_pusd") / 1e12

# %% [markdown]
# ## Latency, and the outage
#
# OpenAI fails for a while from 25 s on. Who is tried again waits longer, and some fail for good.

# %%
WINDOW_S = 5
window = (due_s // WINDOW_S).astype(int)
print("   at  requests     p50     p95  failed")
for number in range(window.max() + 1):
    chosen = window == number
    p50, p95 = np.quantile(took_s[chosen], [0.5, 0.95])
    share = failed[chosen].mean()
    bar = "#" * round(40 * share)
    print(f"{number * WINDOW_S:4} s {chosen.sum():9,} {p50:6.2f}s {p95:6.2f}s {share:7.1%} {bar}")

# %% [markdown]
# ## Time to the first token
#
# Of operations that streamed and got that far; queueing, the network and retries are in it.

# %%
first_token_s = column("operations", "first_token_ns") / 1e9
first_token_s = first_token_s[first_token_s > 0]
for share in (0.5, 0.95, 0.99):
    print(f"p{share * 100:.0f} {np.quantile(first_token_s, share):6.3f} s")

# %% [markdown]
# ## What it cost

# %%
print("flow               requests    dollars  a thousand")
for number, each in enumerate(scenario.traffic):
    chosen = flow == number
    total = cost_usd[chosen].sum()
    print(f"{each.name:16} {chosen.sum():10,} {total:10.4f} {1000 * total / chosen.sum():11.4f}")
print(f"{'all':16} {len(flow):10,} {cost_usd.sum():10.4f}")
