"""Hugging Face transformers' DeepSeek models, as an independent check of the reference."""
import torch
from transformers import AutoModelForCausalLM
from transformers.modeling_layers import MtpModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()


def load_peer(folder, dtype=torch.float32, **options):
    """Returns the model and what its loader reported as missing and as unexpected."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager", output_loading_info=True, **options)
    return model.eval(), sorted(info["missing_keys"]), sorted(info["unexpected_keys"])


def mtp_logits(peer, reference, ids):
    """Logits of every MTP depth by transformers' own MTP module. Its loader knows only layer 61, so the weights come from the reference."""
    c, n = reference.c, reference.c.num_hidden_layers
    mtp = MtpModel(peer, c.num_nextn_predict_layers).eval()
    source = {k: v.float() for k, v in reference.state_dict().items()}
    for k in range(c.num_nextn_predict_layers):
        state = {}
        for name in mtp.layers[k].state_dict():
            at, theirs = f"model.layers.{n + k}.", name.removeprefix("mtp_block.")
            if name == "post_norm.weight":
                state[name] = source[at + "shared_head.norm.weight"]
            elif theirs == "mlp.experts.gate_up_proj":
                state[name] = torch.stack([torch.cat([source[f"{at}mlp.experts.{e}.{p}_proj.weight"] for p in ("gate", "up")])
                                           for e in range(c.n_routed_experts)])
            elif theirs == "mlp.experts.down_proj":
                state[name] = torch.stack([source[f"{at}mlp.experts.{e}.down_proj.weight"] for e in range(c.n_routed_experts)])
            else:
                state[name] = source[at + theirs]
        mtp.layers[k].load_state_dict(state)
    h, out, T = peer.model(ids).last_hidden_state, [], ids.shape[1]
    for k in range(1, c.num_nextn_predict_layers + 1):
        rows = T - k
        h = mtp.forward_layer(k - 1, h[:, :rows], torch.arange(rows)[None] + k, None, input_ids=ids[:, k:])
        out.append(peer.lm_head(h))
    return out
