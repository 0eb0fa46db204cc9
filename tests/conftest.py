import os

# Before anything imports litellm, whose import would fetch a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
