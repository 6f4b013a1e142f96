"""Data sets around other data sets."""


def find_classes_of_nested_datasets() -> None:
    """Let ClassBalancedDataset balance concatenated or repeated data sets.

    mmengine/dataset/dataset_wrapper.py:401 (ClassBalancedDataset) calls `get_cat_ids` of the data
    set that it wraps. ConcatDataset and RepeatDataset lack this method.
    """
    from mmengine.dataset import ConcatDataset, RepeatDataset

    def of_concatenated(self: ConcatDataset, idx: int) -> list[int]:
        which, idx = self._get_ori_dataset_idx(idx)
        return self.datasets[which].get_cat_ids(idx)

    def of_repeated(self: RepeatDataset, idx: int) -> list[int]:
        return self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx))

    for kind, get_cat_ids in ((ConcatDataset, of_concatenated), (RepeatDataset, of_repeated)):
        if not hasattr(kind, 'get_cat_ids'):
            kind.get_cat_ids = get_cat_ids
