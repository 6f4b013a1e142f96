_base_ = ['../_base_/models/amf_r50_refinenet.py', '../_base_/default_runtime.py']
model = dict(data_preprocessor=dict(size=(500, 500)))
